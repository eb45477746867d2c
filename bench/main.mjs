import { parseArgs } from "node:util";
import { edge } from "./edge.mjs";
import { events } from "./events.mjs";
import { openWorld } from "./parts.mjs";
import { roundTrips } from "./round-trips.mjs";

/** Measures steward against the bare NATS client in one run, on real parts. Figures are ratios: see README.md. */
const { values } = parseArgs({ options: { json: { type: "boolean" }, quick: { type: "boolean" } } });
const size = values.quick === true ? { repeats: 3, seconds: 1 } : { repeats: 5, seconds: 2 };

for (const measure of [roundTrips, events, edge]) {
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
  const what = row.bench === "events" ? "one-way events" : `round trips, ${row.inFlight} in flight`;
  return `${what}: ${row.value}/s beside ${row.bare}/s bare, ratio ${row.ratio} (${spread(row.spread)})`;
}
