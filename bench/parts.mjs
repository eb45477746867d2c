import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { startEmbeddedBroker } from "../dist/broker/embedded.js";
import { loadConfig } from "../dist/config/load.js";
import { openLog } from "../dist/observe/log.js";
import { systemClock } from "../dist/platform/system-clock.js";
import { startDaemon } from "../dist/runtime/daemon/daemon.js";

export const MAIN = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
const RESPONDER = fileURLToPath(new URL("./responder.mjs", import.meta.url));

/** Everything a measurement needs, on real parts: a broker, and a directory that is gone afterwards. */
export async function openWorld(security = "off") {
  const directory = await mkdtemp(join(tmpdir(), "steward-bench-"));
  const log = openLog({ level: "error", pretty: false, clock: systemClock });
  const broker = await startEmbeddedBroker({
    host: "127.0.0.1",
    port: 0,
    directory: join(directory, "broker"),
    log,
    clock: systemClock,
    access: () => ({ kind: "open" }),
  });
  const closers = [];
  return {
    directory,
    security,
    url: broker.url,
    brokerPid: broker.pid,
    log,
    closing: (close) => closers.push(close),
    async close() {
      for (const close of closers.reverse()) await close();
      await broker.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** `more`: further settings, in place of the usual ones. */
export async function configFor(world, node, subscribe, more = {}) {
  const file = join(world.directory, `${node}.yaml`);
  await writeFile(
    file,
    JSON.stringify({
      node,
      central: "central",
      security: world.security,
      broker: { servers: [world.url] },
      data: `./${node}`,
      intake: { folder: "off", file: "off" },
      log: { level: "warn" },
      subscribe,
      ...more,
    }),
  );
  return file;
}

/** Central, in this process. */
export async function startCentral(world, subscribe = [], more = {}) {
  const config = loadConfig(await configFor(world, "central", subscribe, more));
  const daemon = await startDaemon({ config });
  world.closing(() => daemon.stop());
  return daemon;
}

/** An edge as a process of its own. Resolves with it once central has heard its hello. */
export async function startEdge(world, central, subscribe, more) {
  const file = await configFor(world, "ship1", subscribe, more);
  const started = performance.now();
  const profile = process.env.STEWARD_BENCH_PROFILE;
  const flags = profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}`];
  const child = spawn(process.execPath, [...flags, MAIN, "up", "--config", file], {
    stdio: ["ignore", "ignore", "ignore"],
  });
  const ended = once(child, "exit");
  const edge = { child, ended, pid: child.pid };
  world.closing(() => stopEdge(edge));
  await new Promise((resolve, reject) => {
    ended.then(() => reject(new Error("the edge ended")));
    const stop = central.operations.watch((happening) => {
      if (happening.type !== "node" || happening.name !== "ship1" || happening.to !== "live") return;
      stop();
      resolve();
    });
  });
  return { ...edge, readyMs: performance.now() - started };
}

/** The fleet, once central has heard all of it. */
export async function startFleet(world, nodes, prefix, hello = "30s") {
  const config = await configFor(world, "fleet", []);
  const args = ["simulate-fleet", String(nodes), "--prefix", prefix, "--hello", hello, "--json", "--config", config];
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const fleet = { child, ended: once(child, "exit"), pid: child.pid };
  world.closing(() => stopEdge(fleet));
  for await (const line of createInterface({ input: child.stdout })) if (JSON.parse(line).heard === nodes) return fleet;
  throw new Error("the fleet ended");
}

export async function stopEdge({ child, ended }) {
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
  await ended;
}

/** A plain NATS client in a process of its own that answers every request with its payload; `subjects`: on so many of them. */
export async function startResponder(world, subjects) {
  const child = spawn(process.execPath, [RESPONDER, world.url, ...(subjects === undefined ? [] : [String(subjects)])], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const responder = { child, ended: once(child, "exit"), pid: child.pid };
  await once(child.stdout, "data");
  world.closing(() => stopEdge(responder));
  return responder;
}

/** Keeps `inFlight` of `once()` under way until `total` have ended; operations per second. */
export async function closedLoop(total, inFlight, once) {
  let begun = 0;
  const worker = async () => {
    while (begun < total) {
      begun++;
      await once();
    }
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: inFlight }, worker));
  return total / ((performance.now() - started) / 1000);
}

const FINAL = new Set(["succeeded", "failed", "rejected", "expired", "interrupted", "timedOut", "cancelled"]);

/** Does `act`, and resolves when so many messages of central have succeeded. */
export async function untilEnded(central, count, act) {
  let left = count;
  let unwatch;
  const all = new Promise((resolve, reject) => {
    unwatch = central.operations.watch((happening) => {
      if (happening.type !== "message" || !FINAL.has(happening.state)) return;
      if (happening.state !== "succeeded") reject(new Error(`an echo ended as ${happening.state}`));
      left--;
      if (left === 0) resolve();
    });
  });
  await Promise.all([act(), all]);
  unwatch();
}

export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** One line of the report: what was measured, with rates that were taken in turns, and the CPU of each process for each. */
export function comparison(what, rates, used) {
  const ratios = rates.durable.map((value, i) => value / rates.bare[i]);
  const round = (ratio) => Number(ratio.toFixed(3));
  const names = Object.keys(used[0] ?? {});
  const cpuUs = Object.fromEntries(
    names.map((name) => [name, Number(median(used.map((each) => each[name])).toFixed(1))]),
  );
  return {
    ...what,
    value: Math.round(median(rates.durable)),
    bare: Math.round(median(rates.bare)),
    ratio: round(median(ratios)),
    spread: [round(Math.min(...ratios)), round(Math.max(...ratios))],
    cpuUs,
  };
}
