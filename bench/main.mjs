import { openWorld } from "./parts.mjs";
import { roundTrips } from "./round-trips.mjs";

const world = await openWorld();
try {
  for (const r of await roundTrips(world, {})) console.log(JSON.stringify(r));
} finally { await world.close(); }
