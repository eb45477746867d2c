import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { openClient } from "../../../src/api/client.ts";
import { systemClock } from "../../../src/platform/system-clock.ts";
import type { Client } from "../../../src/runtime/operate/table.ts";
import { eventuallySeen } from "../eventually.ts";
import { writesOutside } from "../leftovers.ts";
import type { Surroundings } from "./fleet.ts";
import { Program, type ProgramEnd } from "./program.ts";
import type { Proxy as TestProxy } from "./proxy.ts";
import { isAlive, runnerPid } from "./runner.ts";
import type { SmallDisk } from "./small-disk.ts";

/** What a node stands in, beside what all nodes of its fleet share. */
export interface NodeWorld {
  readonly proxy: TestProxy | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly within: readonly string[];
  readonly disk: SmallDisk | undefined;
}

interface ProgramWorld {
  readonly input?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Words before those of the program: what starts it elsewhere. */
  readonly prefix?: readonly string[];
}

/** One node of a test fleet: its steward.yaml, its daemon while it runs, and the command line beside it. */
export class TestNode {
  readonly name: string;
  readonly directory: string;
  readonly config: string;
  readonly data: string;
  readonly socket: string;
  readonly api: Client;
  readonly #surroundings: Surroundings;
  readonly #world: NodeWorld;
  #daemon: Program | undefined;
  #frozen = false;

  constructor(name: string, directory: string, surroundings: Surroundings, world: NodeWorld) {
    this.name = name;
    this.directory = directory;
    this.config = join(directory, "steward.yaml");
    this.data = join(directory, "data");
    this.socket = join(world.disk === undefined ? this.data : directory, "steward.sock");
    this.api = openClient({ socket: this.socket, clock: systemClock });
    this.#surroundings = surroundings;
    this.#world = world;
  }

  /** The daemon that runs, or ran last. */
  get daemon(): Program {
    if (this.#daemon === undefined) throw new Error(`${this.name} was never started`);
    return this.#daemon;
  }

  /** Its link to the broker, where the test asked for one that can be harmed. */
  get proxy(): TestProxy {
    if (this.#world.proxy === undefined) throw new Error(`${this.name} is not proxied`);
    return this.#world.proxy;
  }

  /** The filesystem of its data directory, where the test asked for one that can be harmed. */
  get disk(): SmallDisk {
    if (this.#world.disk === undefined) throw new Error(`${this.name} has no disk of its own`);
    return this.#world.disk;
  }

  /** A file or directory in its data directory, wherever that is. */
  stored(name: string): string {
    return join(this.#world.disk?.seen ?? this.data, name);
  }

  /** Resolves when the daemon says that it is up. */
  async start(): Promise<Program> {
    const daemon = this.launch();
    await daemon.saw(new RegExp(`"msg":"${this.name} is up"`), { within: 30_000 });
    return daemon;
  }

  /** Starts the daemon and waits for nothing. */
  launch(): Program {
    if (this.#daemon?.alive === true) throw new Error(`${this.name} runs already`);
    const { env, within, disk } = this.#world;
    this.#daemon = this.#program(["up"], { env, prefix: [...within, ...(disk?.within ?? [])] });
    return this.#daemon;
  }

  /** SIGTERM; resolves with its end. */
  async stop(): Promise<ProgramEnd> {
    this.#expectOwnFilesOnly();
    return await this.daemon.end("SIGTERM");
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    await this.daemon.kill();
  }

  /** SIGSTOP: it keeps its sockets and says nothing. */
  freeze(): void {
    this.#frozen = true;
    this.daemon.signal("SIGSTOP");
  }

  resume(): void {
    this.#frozen = false;
    this.daemon.signal("SIGCONT");
  }

  /** The process that runs its commands, while there is one. */
  runnerPid(): number | undefined {
    return runnerPid(join(this.data, "runs"));
  }

  /** Kills the runner alone, if there is one. */
  killRunner(): void {
    const runner = this.runnerPid();
    if (runner !== undefined && isAlive(runner)) process.kill(runner, "SIGKILL");
  }

  /** Kills the daemon and its runner as the loss of the host would: neither sees the other's end. */
  async killWithRunner(): Promise<void> {
    const runner = this.runnerPid();
    if (runner === undefined) throw new Error(`${this.name} has no runner`);
    this.daemon.signal("SIGSTOP");
    process.kill(runner, "SIGKILL");
    await this.kill();
  }

  /** Runs the real command line with this node's configuration, to its end. */
  async steward(...args: readonly string[]): Promise<ProgramEnd> {
    return await this.begin(...args).within(40_000);
  }

  /** What a command line beside this node needs, for a test that types it in a shell. */
  get line(): { readonly main: string; readonly config: string; readonly env: NodeJS.ProcessEnv } {
    const { main, env } = this.#surroundings;
    return { main, config: this.config, env };
  }

  /** A command line that goes on. */
  begin(...args: readonly string[]): Program {
    return this.#program(args);
  }

  /** With `input` on its standard input. */
  async stewardWith(input: string, ...args: readonly string[]): Promise<ProgramEnd> {
    return await this.#program(args, { input }).within(40_000);
  }

  /** Changes steward.yaml. */
  async reconfigure(change: (config: Record<string, unknown>) => Record<string, unknown>): Promise<void> {
    const before = parse(await readFile(this.config, "utf8")) as Record<string, unknown>;
    await writeFile(this.config, stringify(change(before)));
  }

  /** Resolves when a message of this node's has this state. */
  async message(id: string, state: string, within?: number) {
    const look = async () => {
      const detail = await this.api.message(id);
      return detail.state === state ? detail : undefined;
    };
    return await eventuallySeen(`${id} is ${state} at ${this.name}`, look, within);
  }

  /** At the end of a test: a daemon that runs must stop when it is told to, with nothing to complain about. */
  async endInGoodOrder(): Promise<void> {
    if (this.#daemon?.alive !== true) return;
    if (this.#frozen) this.resume();
    const { code, signal } = await this.stop();
    if (code !== 0) throw new Error(`${this.name} ended with ${code ?? signal}: ${this.daemon.describe()}`);
  }

  #program(args: readonly string[], { input, env, prefix = [] }: ProgramWorld = {}): Program {
    const { main, directory } = this.#surroundings;
    const [program = "", ...words] = [...prefix, process.execPath, main, "--config", this.config, ...args];
    return new Program(program, words, {
      cwd: join(directory, "desk"),
      env: { ...this.#surroundings.env, ...env },
      ...(input === undefined ? {} : { input }),
    });
  }

  #expectOwnFilesOnly(): void {
    const outside = writesOutside(this.daemon.pid, this.#surroundings.directory);
    if (outside.length > 0) throw new Error(`${this.name} writes to ${outside.join(", ")}`);
  }
}
