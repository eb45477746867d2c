import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { findServerBinary } from "../../../src/broker/server-binary.ts";
import { built } from "../built.ts";
import { enrolFleet } from "../enrolled.ts";
import { eventuallySeen } from "../eventually.ts";
import { checkNothingLeft, MARK } from "../leftovers.ts";
import { atTestEnd, tempDir } from "../temp.ts";
import { startBroker, type TestBroker } from "./broker.ts";
import type { Program, ProgramEnd } from "./program.ts";
import { startProxy, type Proxy as TestProxy } from "./proxy.ts";
import { startSmallDisk } from "./small-disk.ts";
import { TestNode } from "./test-node.ts";

/**
 * A fleet of real daemons over a real nats-server, each with its own directory and steward.yaml. When the test is over
 * every daemon that runs is stopped in good order, and nothing may be left: no process, no file outside the directory.
 */
export interface FleetOptions {
  /** Nodes with what their steward.yaml has beyond the least; the first is central. */
  readonly nodes: Readonly<Record<string, NodeOptions>>;
  /** Interval between two signs of life. */
  readonly hello?: string;
  /** Nodes that are made and not started. */
  readonly away?: readonly string[];
  /** In place of a nats-server on this machine's loopback. */
  readonly broker?: TestBroker;
  /** Nodes that have no keys yet, and trust nobody; true: all. */
  readonly unenrolled?: true | readonly string[];
  /** In place of a nats-server of the test: central runs its own, on this port. */
  readonly embedded?: number;
}

export interface NodeOptions {
  /** Merged over the least that a node needs. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Its link to the broker goes through a proxy. */
  readonly proxied?: boolean;
  /** More of the environment of its daemon. */
  readonly env?: NodeJS.ProcessEnv;
  /** Words before its daemon: what starts it elsewhere. */
  readonly within?: readonly string[];
  /** Its data directory is a filesystem of this many bytes, of its own; see `smallDisk`. */
  readonly disk?: number;
}

export class Fleet {
  readonly directory: string;
  readonly broker: TestBroker | undefined;
  readonly central: TestNode;
  readonly #nodes: ReadonlyMap<string, TestNode>;
  readonly #surroundings: Surroundings;

  constructor(broker: TestBroker | undefined, nodes: ReadonlyMap<string, TestNode>, surroundings: Surroundings) {
    const [central] = nodes.values();
    if (central === undefined) throw new Error("a fleet has at least one node");
    this.directory = surroundings.directory;
    this.broker = broker;
    this.central = central;
    this.#nodes = nodes;
    this.#surroundings = surroundings;
  }

  get nodes(): readonly TestNode[] {
    return [...this.#nodes.values()];
  }

  node(name: string): TestNode {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new Error(`this fleet has no node ${name}`);
    return node;
  }

  /** Runs the real command line beside central's daemon, to its end. */
  steward(...args: readonly string[]): Promise<ProgramEnd> {
    return this.central.steward(...args);
  }

  /** A command line of central that goes on. */
  begin(...args: readonly string[]): Program {
    return this.central.begin(...args);
  }

  /** A file in the fleet's directory that commands write to, one line a run. */
  file(name: string): string {
    return join(this.directory, "desk", name);
  }

  /** Resolves when central shows the node's link so. */
  async link(name: string, state: string, within?: number): Promise<void> {
    const look = async (): Promise<boolean> => (await this.central.api.node(name)).link === state;
    await eventuallySeen(`${name} is ${state} at ${this.central.name}`, look, within);
  }

  /** Stops whatever runs, then looks for what is left. */
  async end(): Promise<void> {
    const faults: string[] = [];
    await Promise.all(
      this.nodes.map((node) => node.endInGoodOrder().catch((error: unknown) => faults.push(String(error)))),
    );
    faults.push(...(await checkNothingLeft(this.#surroundings)));
    if (faults.length > 0) throw new Error(faults.join("\n"));
  }
}

/** What all processes of a fleet share. */
export interface Surroundings {
  readonly directory: string;
  /** In the environment of every process of the fleet. */
  readonly mark: string;
  readonly main: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Resolves when every node that is not away is up, and central sees each of them. */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const { nodes: wanted, hello = "500ms", away = [], embedded, unenrolled = [] } = options;
  const surroundings = await surroundingsOf(await tempDir());
  const broker = embedded === undefined ? (options.broker ?? (await startBroker())) : undefined;
  const server = broker ?? { port: embedded ?? 0, url: `nats://127.0.0.1:${embedded}` };
  const names = Object.keys(wanted);
  const [central = ""] = names;
  const nodes = new Map<string, TestNode>();
  for (const [name, { config = {}, proxied = false, env = {}, within = [], disk: bytes }] of Object.entries(wanted)) {
    const proxy: TestProxy | undefined = proxied ? await startProxy(server) : undefined;
    const directory = join(surroundings.directory, name);
    await mkdir(directory);
    const url = proxy?.url ?? server.url;
    const least = leastConfig({ name, central, hello, edges: names.slice(1) });
    const link = embedded !== undefined && name === central ? { embedded: { port: embedded } } : { servers: [url] };
    await writeFile(
      join(directory, "steward.yaml"),
      stringify({
        ...least,
        broker: link,
        // Out of the small disk, which only its own processes see.
        ...(bytes === undefined ? {} : { socket: "./steward.sock" }),
        ...config,
      }),
    );
    const disk = bytes === undefined ? undefined : await startSmallDisk(join(directory, "data"), bytes);
    nodes.set(name, new TestNode(name, directory, surroundings, { proxy, env, within, disk }));
  }
  const installed = [...nodes.values()].map((node) => ({ name: node.name, data: node.stored(".") }));
  const [first, ...edges] = installed;
  if (first !== undefined && unenrolled !== true)
    enrolFleet(
      first,
      edges.filter(({ name }) => !unenrolled.includes(name)),
    );
  const fleet = new Fleet(broker, nodes, surroundings);
  atTestEnd(
    () => fleet.end(),
    () => undefined,
  );
  const present = fleet.nodes.filter(({ name }) => !away.includes(name));
  await Promise.all(present.map((node) => node.start()));
  if (present.includes(fleet.central)) {
    for (const { name } of present) if (name !== central) await fleet.link(name, "online");
  }
  return fleet;
}

async function surroundingsOf(directory: string): Promise<Surroundings> {
  for (const name of ["home", "tmp", "desk"]) await mkdir(join(directory, name));
  const { main } = await built();
  const { path } = await findServerBinary();
  const env = {
    PATH: process.env.PATH ?? "",
    HOME: join(directory, "home"),
    TMPDIR: join(directory, "tmp"),
    LANG: "C.UTF-8",
    STEWARD_NATS_SERVER: path,
    [MARK]: directory,
  };
  if (!existsSync(main)) throw new Error(`there is no ${main}`);
  return { directory, mark: directory, main, env };
}

function leastConfig(node: { name: string; central: string; hello: string; edges: readonly string[] }): object {
  const { name, central, hello, edges } = node;
  return {
    node: name,
    central,
    data: "./data",
    hello,
    shell: { grace: "1s" },
    subscribe: [{ subject: "command.shellcommand.operatingsystem", from: [central], concurrency: 4 }],
    ...(name === central ? { nodes: edges } : {}),
  };
}
