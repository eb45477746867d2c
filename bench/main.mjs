import { parseArgs } from "node:util";
import { badLinkRow } from "./bad-link.mjs";
import { edge } from "./edge.mjs";
import { events } from "./events.mjs";
import { fanOut } from "./fan-out.mjs";
import { fleetRow } from "./fleet.mjs";
import { jetStream } from "./jetstream.mjs";
import { jobRow } from "./jobs.mjs";
import { pageRow } from "./page.mjs";
import { openWorld } from "./parts.mjs";
import { reconnect } from "./reconnect.mjs";
import { restart } from "./restart.mjs";
import { roundTrips } from "./round-trips.mjs";
import { sealing } from "./sealing.mjs";
import { spawning } from "./spawn.mjs";
import { spread } from "./spread.mjs";

/** Measures steward against the bare NATS client in one run, on real parts. Figures are ratios: see README.md. */
const { values } = parseArgs({
  options: { json: { type: "boolean" }, quick: { type: "boolean" }, only: { type: "string" } },
});
const size =
  values.quick === true
    ? {
        repeats: 3,
        seconds: 0.5,
        levels: [1, 100, 1000],
        bytesOf: [200],
        sizes: [100, 1000],
        rounds: 5,
        fleetSizes: [1000],
        kept: 10_000,
        reconnecting: 1000,
        openOfEach: 1,
      }
    : { repeats: 5, seconds: 2 };
const ROWS = {
  "round-trips": roundTrips,
  spread,
  jetstream: jetStream,
  events,
  sealing,
  spawn: spawning,
  edge,
  "fan-out": fanOut,
  job: jobRow,
  fleet: fleetRow,
  page: pageRow,
  reconnect,
  restart,
  "bad-link": badLinkRow,
};
/** Rows that are too long for a quick look. */
const LONG = new Set(["bad-link", "fleet", "jetstream", "page", "reconnect"]);
const usual = Object.keys(ROWS).filter((name) => values.quick !== true || !LONG.has(name));
const wanted = values.only === undefined ? usual : values.only.split(",");
const unknown = wanted.find((name) => ROWS[name] === undefined);
if (unknown !== undefined) throw new Error(`--only takes ${Object.keys(ROWS).join(", ")}: ${unknown} is none of them`);

for (const measure of wanted.map((name) => ROWS[name])) {
  const world = await openWorld();
  try {
    for (const row of await measure(world, size))
      console.log(values.json === true ? JSON.stringify(row) : sentence(row));
  } finally {
    await world.close();
  }
}

function sentence(row) {
  const spread = (values) => `${values[0]} to ${values[1]}`;
  if (row.bench === "edge")
    return `edge: ${row.idleRssMB} MB resident when idle, ${row.idlePssMB} MB with what it shares counted in part, ${row.allRssMB} MB with its runner after a command; ready ${row.readyMs} ms after its start (${spread(row.spread)})`;
  if (row.bench === "job") {
    const share = `${row.share} of the same single messages (${spread(row.spread)})`;
    return `a job over ${row.nodes} nodes: ${row.jobMs} ms beside ${row.singleMs} ms, ${share}; its nodes are listed in ${row.resolveMs} ms`;
  }
  if (row.bench === "fan-out") {
    const { first, last, bare } = row.cpuUs;
    const cpu = `CPU of central for each ${first} µs the first time, ${last} µs in round ${row.rounds}, bare ${bare} µs`;
    return `one command to ${row.nodes} nodes: ${row.firstMs} ms, in round ${row.rounds} ${row.lastMs} ms, bare ${row.bareMs} ms; ${cpu}`;
  }
  if (row.bench === "bad-link") {
    const line = `${row.delayMs * 2} ms, ${row.bytesPerSecond} bytes a second, ${row.loss * 100} % loss`;
    const log = `lines of a log fill ${row.goodput} of the link, its bytes ${row.wire}`;
    return `${line}: ${log}; an urgent command ${row.urgentMs} ms, at worst ${row.worstUrgentMs}, on an idle link ${row.idleUrgentMs}`;
  }
  if (row.bench === "restart")
    return `central with ${row.open} open commands to ${row.nodes} nodes: ready after ${row.readyMs} ms, CPU ${row.cpuMs} ms; 100 open messages ${row.openMessagesMs} ms, 100 nodes ${row.nodesMs} ms`;
  if (row.skipped !== undefined) return `${row.bench}${row.synced ? ", synced" : ""}: skipped, ${row.skipped}`;
  if (row.bench === "fleet") {
    const idle = `${row.nodes} nodes: ${row.cpuPercent.central} % of a core, ${row.grownMB} MB, ${row.kilobytesANode} KB each`;
    const lists = `100 of \`nodes\` ${row.nodesMs} ms, of open messages ${row.openMessagesMs} ms, metrics ${row.metricsMs} ms`;
    return `${idle}; with ${row.kept} messages kept: ${lists}`;
  }
  if (row.bench === "page-open") {
    const { without, calm, busyWithOne, busyWith } = row.centralPercent;
    return `${row.pages} pages over ${row.nodes} nodes: central ${calm} % of a core (without ${without} %), with 100 changes a second ${busyWith} % (with one page ${busyWithOne} %)`;
  }
  if (row.bench === "page-memory")
    return `a page over ${row.nodes} nodes, ${row.changesASecond} changes a second: MB after each minute ${row.megabytesByMinute.join(" ")}`;
  if (row.bench === "reconnect")
    return `${row.nodes} nodes back at once: online after ${row.backMs} ms, longest pause ${row.worstDelayMs} ms, CPU of central for each ${row.cpuUs} µs`;
  const cpu = Object.entries(row.cpuUs).map(([name, us]) => `${name} ${us}`);
  const took = row.p50Ms === undefined ? "" : `; half within ${row.p50Ms} ms, 99 of 100 within ${row.p99Ms} ms`;
  const what = {
    events: "one-way events",
    spawn: "shellcommand /bin/true",
    sealing: `round trips sealed beside clear, ${row.inFlight} in flight`,
    "round-trips": `round trips of ${row.bytes} bytes, ${row.inFlight} in flight`,
    spread: `round trips to ${row.nodes} nodes, ${row.inFlight} in flight`,
    jetstream: `round trips beside JetStream ${row.synced ? "that syncs each write" : "as it comes"}, ${row.inFlight} in flight`,
  }[row.bench];
  const beside = { jetstream: "of JetStream", sealing: "in the clear" }[row.bench] ?? "bare";
  const rates = `${row.value}/s beside ${row.bare}/s ${beside}, ratio ${row.ratio} (${spread(row.spread)})`;
  return `${what}: ${rates}${took}; CPU µs for each: ${cpu.join(", ")}`;
}
