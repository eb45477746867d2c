import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { RunningDaemon } from "../../../src/cli/cli.ts";
import type { Config } from "../../../src/config/config.ts";
import { StewardError } from "../../../src/message/errors.ts";
import { ServiceNotice } from "../../../src/platform/service-notice.ts";
import { type Running, type World, world } from "../world.ts";

interface Fake {
  readonly running: Running;
  readonly configs: Config[];
  readonly asked: string[];
  /** Ends the daemon in good order, or with an error. */
  end(error?: unknown): void;
}

async function up(
  w: World,
  reload: () => Promise<unknown> = async () => ({ changes: ["a"], needRestart: [] }),
  manager?: ServiceNotice,
): Promise<Fake> {
  await writeFile(
    join(w.directory, "steward.yaml"),
    `node: central\nbroker: {servers: ["nats://127.0.0.1:4222"]}\ndata: ./d\n`,
  );
  const configs: Config[] = [];
  const asked: string[] = [];
  let end: (error?: unknown) => void = () => undefined;
  const ended = new Promise<void>((resolve, reject) => {
    end = (error) => (error === undefined ? resolve() : reject(error));
  });
  ended.catch(() => undefined);
  const daemon: RunningDaemon = {
    stop: async () => {
      asked.push("stop");
    },
    reload: () => {
      asked.push("reload");
      return reload() as ReturnType<RunningDaemon["reload"]>;
    },
    ended,
  };
  const startDaemon = async (config: Config): Promise<RunningDaemon> => {
    configs.push(config);
    return daemon;
  };
  const running = w.start(["up"], { reach: { startDaemon, serviceNotice: async () => manager } });
  await w.until(() => configs.length === 1);
  return { running, configs, asked, end };
}

test("up starts the daemon with the configuration; SIGTERM stops it in good order", async () => {
  const w = await world();
  const fake = await up(w);
  expect(fake.configs[0]?.node).toBe("central");
  fake.running.signal("SIGTERM");
  await w.until(() => fake.asked.length > 0);
  expect(fake.asked).toEqual(["stop"]);
  fake.end();
  expect(await fake.running.code).toBe(0);
  expect(fake.running.forced).toEqual([]);
  expect(fake.running.listeners()).toBe(0);
});

test("whoever started it as a service hears when it is ready, when it stops, and that its loop turns", async () => {
  const w = await world();
  const said: string[] = [];
  const sender = { send: (assignment: string) => said.push(assignment), close: () => said.push("closed") };
  const manager = new ServiceNotice({ sender, clock: w.ops.clock, watchdog: 20_000 });
  const fake = await up(w, undefined, manager);
  await w.until(() => said.includes("WATCHDOG=1"));
  expect(said.splice(0)).toEqual(["STATUS=central is up", "READY=1", "WATCHDOG=1"]);
  await w.ops.clock.advance(10_000);
  expect(said.splice(0)).toEqual(["WATCHDOG=1"]);
  fake.running.signal("SIGTERM");
  expect(said.splice(0)).toEqual(["STOPPING=1"]);
  fake.end();
  await fake.running.code;
  expect(said).toEqual(["closed"]);
});

test("a second signal ends it at once", async () => {
  const w = await world();
  const fake = await up(w);
  fake.running.signal("SIGINT");
  fake.running.signal("SIGINT");
  expect(fake.running.forced).toEqual([1]);
  fake.end();
  await fake.running.code;
  expect(fake.asked).toEqual(["stop"]);
});

test("SIGHUP reads the configuration again and says what came of it", async () => {
  const w = await world();
  const answers = [
    async () => ({ changes: ["a"], needRestart: [] }),
    async () => Promise.reject(new StewardError("config-invalid", { file: "f", count: 1, faults: "x" })),
  ];
  const fake = await up(w, () => (answers.shift() ?? (async () => undefined))());
  fake.running.signal("SIGHUP");
  await fake.running.shows("configuration reloaded: 1 change applied, 0 need a restart of the daemon");
  fake.running.signal("SIGHUP");
  await fake.running.shows("configuration not reloaded: f is not a valid configuration; faults found: 1");
  fake.running.signal("SIGTERM");
  fake.end();
  expect(await fake.running.code).toBe(0);
});

test("a daemon that had to give up ends it with its error", async () => {
  const w = await world();
  const fake = await up(w);
  fake.end(new StewardError("journal-failed", { fault: "EIO", path: "/d" }));
  expect(await fake.running.code).toBe(1);
  expect(fake.running.err()).toContain("the journal cannot be written: EIO");
});

test("a configuration with faults starts nothing", async () => {
  const w = await world();
  await writeFile(join(w.directory, "steward.yaml"), "node: [\n");
  expect((await w.run(["up"])).code).toBe(2);
});
