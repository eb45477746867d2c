import { execFile } from "node:child_process";
import { watch } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { provideWebServers, type WebServers } from "../../scripts/web-servers.mjs";
import { eventuallySeen } from "../harness/eventually.ts";
import { type Fleet, startFleet } from "../harness/fleet/fleet.ts";
import type { TestNode } from "../harness/fleet/test-node.ts";
import { startApache, startNginx, type WebServer } from "../harness/fleet/webserver.ts";

/**
 * Real nginx and real apache2 on an edge, their logs at central. What is compared is what the servers themselves wrote to
 * their access logs with what stands in central's files: every line, once, in order.
 */
const LOGGER = "/usr/bin/logger";
const { servers, fault } = await serversAndLogger();
if (servers === undefined) {
  const loud = `NOT TESTED with real nginx and apache2: ${fault}`;
  if (process.env.CI === "true") throw new Error(loud);
  process.stderr.write(`\n*** ${loud}\n\n`);
}

const DOMAINS = ["nginx", "apache"] as const;
type Domain = (typeof DOMAINS)[number];

describe.skipIf(servers === undefined)("the access logs of nginx and apache2 on an edge", () => {
  if (servers === undefined) return;

  it("arrive by syslog, over UDP and through a piped logger, also when central is killed in the middle", async () => {
    const fleet = await fleetOf({ nginx: { syslog: "udp://127.0.0.1:0" }, apache: { syslog: "tcp://127.0.0.1:0" } });
    const { central } = fleet;
    const udp = await portOf(fleet.node("ship1"), "udp");
    const tcp = await portOf(fleet.node("ship1"), "tcp");
    const site = new Site({
      nginx: await startNginx(servers, [`syslog:server=127.0.0.1:${udp},tag=nginx,severity=info`]),
      apache: await startApache(servers, [`|${LOGGER} --tcp --server 127.0.0.1 --port ${tcp} --tag apache2`]),
    });

    await site.visit(50);
    await site.arrivedAt(central);
    const watching = central.begin("watch", "ship1", "--lines", "1");
    for (const domain of DOMAINS) await watching.saw(new RegExp(`ship1\\W+${domain}.*"GET /${domain}/1-`));
    await site.visit(50);
    for (const domain of DOMAINS) await watching.saw(new RegExp(`ship1\\W+${domain}.*${site.lastPath(domain)}`));

    await site.interrupted(central, () => site.visit(150));
    await site.visit(50);
    await central.start();
    await site.visit(100);
    await site.arrivedAt(central);

    await site.quiet(fleet);
    // The threads of an apache2 write to its file and to its pipe in no common order.
    await site.checkArrived(central, { same: (line, written) => line.endsWith(` ${written}`), ordered: ["nginx"] });
    await site.stop();
  });

  it("arrive from their files, through crashes of central and of the edge and through rotations", async () => {
    const site = new Site({ nginx: await startNginx(servers), apache: await startApache(servers) });
    const fleet = await fleetOf({
      nginx: { tail: site.servers.nginx.log },
      apache: { tail: site.servers.apache.log },
    });
    const { central } = fleet;
    const ship1 = fleet.node("ship1");
    // What a file held before it was followed for the first time is not sent.
    site.forgetWritten();

    await site.visit(100);
    await site.arrivedAt(central);

    await site.killedAsItStores(central, () => site.visit(150));
    await site.visit(50);
    await central.start();

    await site.interrupted(ship1, () => site.visit(150));
    await site.visit(50);
    await ship1.start();

    const visits = site.visit(150);
    await site.rotate();
    await visits;
    await site.arrivedAt(central);

    // While nobody follows: the rest of the old log, all of one in between, the beginning of a new one.
    await site.interrupted(ship1, () => site.visit(100));
    await site.rotate();
    await site.visit(50);
    await site.rotate();
    await site.visit(50);
    await ship1.start();
    await site.visit(50);
    await site.arrivedAt(central);

    await site.quiet(fleet);
    await site.checkArrived(central, { same: (line, written) => line === written, ordered: DOMAINS });
    const shown = await central.steward("watch", "ship1", "nginx", "--lines", "5", "--no-follow");
    const last = (await linesOf(site.servers.nginx.log)).slice(-5);
    expect(shown.stdout.trim().split("\n")).toEqual(last.map((line) => `ship1 nginx │ ${line}`));
    await site.stop();
  });
});

/** The two servers of an edge, what was asked of them, and what they wrote. */
class Site {
  readonly servers: Readonly<Record<Domain, WebServer>>;
  /** Paths in the order in which each connection asked for them. */
  readonly #asked: Record<Domain, string[][]> = { nginx: [], apache: [] };
  readonly #before: Record<Domain, number> = { nginx: 0, apache: 0 };
  #visits = 0;

  constructor(servers: Readonly<Record<Domain, WebServer>>) {
    this.servers = servers;
  }

  /** So many requests to each server, over three connections at once, no path twice. */
  async visit(count: number): Promise<void> {
    const visit = ++this.#visits;
    await Promise.all(
      DOMAINS.flatMap((domain) =>
        [1, 2, 3].map(async (connection) => {
          const paths = Array.from(
            { length: Math.ceil(count / 3) },
            (_, i) => `/${domain}/${visit}-${connection}-${i}/%C3%A9?a="b"`,
          );
          this.#asked[domain].push(paths);
          await this.servers[domain].request(paths);
        }),
      ),
    );
  }

  /** Kills the node's daemon when a part of what is asked for during `visits` has gone through it. */
  async interrupted(node: TestNode, visits: () => Promise<void>): Promise<void> {
    const before = await this.#written("nginx");
    const going = visits();
    await eventuallySeen(
      "requests are under way",
      async () => (await this.#written("nginx")).length > before.length + 10,
    );
    await node.kill();
    await going;
  }

  /** Kills central as soon as it stores a part of what is asked for during `visits`. */
  async killedAsItStores(central: TestNode, visits: () => Promise<void>): Promise<void> {
    const stored = new Promise<void>((resolve) => {
      const watcher = watch(storeOf(central, "nginx"), () => {
        central.daemon.signal("SIGKILL");
        watcher.close();
        resolve();
      });
    });
    await Promise.all([stored, visits()]);
    await central.kill();
  }

  async rotate(): Promise<void> {
    for (const domain of DOMAINS) await this.servers[domain].rotate();
  }

  lastPath(domain: Domain): string {
    return `${shown(this.#asked[domain].at(-1)?.at(-1) ?? "")}/`;
  }

  forgetWritten(): void {
    for (const domain of DOMAINS) this.#before[domain] = 1;
  }

  /** Resolves when central holds as many lines as were written. */
  async arrivedAt(central: TestNode): Promise<void> {
    for (const domain of DOMAINS) {
      const { length } = await eventuallySeen(`${domain} has written all`, async () => {
        const written = await this.#written(domain);
        const asked = this.#asked[domain].flat().length;
        return written.filter((line) => !line.includes("/ready")).length === asked && written;
      });
      await eventuallySeen(
        `${length} lines of ${domain} are at central`,
        async () => (await linesAt(central, domain)).length >= length,
      );
    }
  }

  /** Resolves when nothing is on its way any more, and so nothing can come twice. */
  async quiet({ central }: Fleet): Promise<void> {
    await eventuallySeen("nothing waits at ship1", async () => {
      const open = await central.api.messages({ direction: "in", open: true });
      return open.length === 0;
    });
  }

  /** Every line once, in the order of each connection, and for these servers also in the order of each of their files. */
  async checkArrived(
    central: TestNode,
    { same, ordered }: { same: (line: string, written: string) => boolean; ordered: readonly Domain[] },
  ): Promise<void> {
    for (const domain of DOMAINS) {
      const lines = await linesAt(central, domain);
      const byPath = new Map<string, string[]>();
      for (const line of lines) byPath.set(pathOf(line), [...(byPath.get(pathOf(line)) ?? []), line]);
      const written = await this.#written(domain);
      expect(written.length).toBeGreaterThan(400);
      for (const each of written) {
        const found = byPath.get(pathOf(each)) ?? [];
        expect(found.length, `${domain}: lines of ${each}`).toBe(1);
        expect(same(found[0] ?? "", each), `${found[0]}\nis not\n${each}`).toBe(true);
      }
      expect(lines).toHaveLength(written.length);
      for (const paths of this.#asked[domain]) {
        const wanted = new Set(paths.map(shown));
        expect(lines.map(pathOf).filter((path) => wanted.has(path))).toEqual(paths.map(shown));
      }
      for (const file of ordered.includes(domain) ? this.servers[domain].logs : []) {
        const wanted = new Set((await linesOf(file)).map(pathOf));
        const arrived = lines.map(pathOf).filter((path) => wanted.has(path));
        expect(arrived).toEqual([...wanted].slice(-arrived.length));
      }
    }
  }

  async stop(): Promise<void> {
    for (const domain of DOMAINS) await this.servers[domain].stop();
  }

  async #written(domain: Domain): Promise<string[]> {
    const lines = await Promise.all(this.servers[domain].logs.map(linesOf));
    return lines.flat().slice(this.#before[domain]);
  }
}

/** central and ship1, which forwards what its two servers log. */
async function fleetOf(sources: Record<Domain, { syslog: string } | { tail: string }>): Promise<Fleet> {
  return await startFleet({
    nodes: {
      central: { config: { subscribe: DOMAINS.map((domain) => ({ subject: `event.syslogforwarding.${domain}` })) } },
      ship1: {
        config: {
          publish: DOMAINS.map((domain) => ({
            subject: `central.event.syslogforwarding.${domain}`,
            ...sources[domain],
          })),
        },
      },
    },
  });
}

/** `fault`: why the tests cannot run. */
async function serversAndLogger(): Promise<{ servers?: WebServers; fault?: string | undefined }> {
  const words = await promisify(execFile)(LOGGER, ["--version"]).then(({ stdout }) => stdout, String);
  if (!words.includes("util-linux")) return { fault: `${LOGGER} is not that of util-linux: ${words.trim()}` };
  return await provideWebServers(undefined, (line) => process.stderr.write(`set-up: ${line}\n`));
}

/** Where the node's daemon listens for syslog. */
async function portOf(node: TestNode, protocol: string): Promise<number> {
  const [, port] = await node.daemon.saw(new RegExp(`"address":"${protocol}://127\\.0\\.0\\.1:(\\d+)"`));
  return Number(port);
}

function storeOf(central: TestNode, domain: Domain): string {
  return join(central.data, "syslogforwarding", "ship1", domain);
}

async function linesAt(central: TestNode, domain: Domain): Promise<string[]> {
  const directory = storeOf(central, domain);
  const days = (await readdir(directory).catch(() => [])).filter((name) => name.endsWith(".log")).sort();
  return (await Promise.all(days.map((name) => linesOf(join(directory, name))))).flat();
}

async function linesOf(file: string): Promise<string[]> {
  const text = await readFile(file, "utf8").catch(() => "");
  return text.split("\n").slice(0, -1);
}

/** What makes a line unlike every other: each server escapes the rest of a path in its own way. */
function pathOf(line: string): string {
  return /"GET (\/\w+(?:\/[\d-]+)?)/.exec(line)?.[1] ?? "";
}

function shown(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}
