import { test } from "vitest";
import { createWorld } from "../../harness/world.ts";
import { settled } from "./sound.ts";
test("x", async () => {
  const world = await settled(await createWorld());
  await world.stop("ship1");
  const ids = await world.submit([1, 2, 3].map((n) => ({ subject: "ship1.command.work.os", data: { n } })));
  await world.advance(60_000);
  await world.start("ship1");
  await world.advance(3_000);
  for (const id of ids) console.log(world.message(id).state, world.message(id).reason, JSON.stringify(world.message(id,"ship1")));
  for (const n of ["central","ship1"]) console.log(n, world.lines(n).map(l=>l.level+" "+l.text+" "+JSON.stringify(l.fields)).slice(-25).join("\n"));
});
