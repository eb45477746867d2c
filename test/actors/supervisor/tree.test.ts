import { expect, it } from "vitest";
import { Scene } from "./scene.ts";

it("A supervisor shows itself and those below it as they are, with the restarts of each child", async () => {
  const scene = new Scene();
  const below = scene.supervisor({
    id: "below",
    onGiveUp: "quarantine",
    children: [scene.child("c"), scene.child("d")],
  });
  const start = async () => {
    await below.start();
    return below;
  };
  const sup = scene.supervisor({
    strategy: "restForOne",
    children: [scene.child("a"), { id: "below", restart: "permanent", shutdown: "infinity", start }],
  });
  expect(sup.tree()).toMatchObject([{ id: "sup", children: [{ state: "stopped" }, { state: "stopped" }] }]);
  await sup.start();
  scene.one("d").crash("boom");
  await scene.clock.advance(1_000);
  expect(sup.tree()).toMatchObject([
    {
      id: "sup",
      parent: null,
      strategy: "restForOne",
      onGiveUp: "escalate",
      intensity: 3,
      period: 5_000,
      children: [
        { id: "a", state: "running", restarts: 0, restart: "permanent" },
        { id: "below", state: "running", restarts: 0 },
      ],
    },
    {
      id: "below",
      parent: "sup",
      onGiveUp: "quarantine",
      children: [
        { id: "c", state: "running", restarts: 0 },
        { id: "d", state: "running", restarts: 1, lastError: "boom" },
      ],
    },
  ]);
  await sup.stop();
  expect(sup.tree()).toMatchObject([{ id: "sup", children: [{ state: "stopped" }, { state: "stopped" }] }]);
});
