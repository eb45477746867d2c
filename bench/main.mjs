import { parseArgs } from "node:util";
import { edge } from "./edge.mjs";
import { events } from "./events.mjs";
import { fanOut } from "./fan-out.mjs";
import { openWorld } from "./parts.mjs";
import { roundTrips } from "./round-trips.mjs";

/** Measures steward against the bare NATS client in one run, on real parts. Figures are ratios: see README.md. */
const { values } = parseArgs({
  options: { json: { type: "boolean" }, quick: { type: "boolean" }, only: { type: "string" } },
});
const size =
  values.quick === true ? { repeats: 3, seconds: 1, sizes: [100, 1000], rounds: 5 } : { repeats: 5, seconds: 2 };
const ROWS = { "round-trips": roundTrips, events, edge, "fan-out": fanOut };
const wanted = values.only === undefined ? Object.keys(ROWS) : values.only.split(",");
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
    return `edge: ${row.idleRssMB} MB resident when idle, ready ${row.readyMs} ms after its start (${spread(row.spread)})`;
  if (row.bench === "fan-out") {
    const { first, last, bare } = row.cpuUs;
    const cpu = `CPU of central for each ${first} µs the first time, ${last} µs in round ${row.rounds}, bare ${bare} µs`;
    return `one command to ${row.nodes} nodes: ${row.firstMs} ms, in round ${row.rounds} ${row.lastMs} ms, bare ${row.bareMs} ms; ${cpu}`;
  }
  const what = row.bench === "events" ? "one-way events" : `round trips, ${row.inFlight} in flight`;
  return `${what}: ${row.value}/s beside ${row.bare}/s bare, ratio ${row.ratio} (${spread(row.spread)})`;
}
