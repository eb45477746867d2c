import { h } from "preact";
import { describe, expect, it } from "vitest";
import { Logs } from "../../src/dashboard/pages/logs.tsx";
import { place } from "../../src/dashboard/store/router.ts";
import { theStore } from "../../src/dashboard/store/store.ts";
import { nodeView } from "./node-view.ts";
import { openRoom } from "./page-room.ts";

const EMPTY_DAY = [{ at: 1, bytes: 0 }];
const openLogs = () =>
  openRoom("/logs", h(Logs, {}), {
    "GET /v1/nodes": () => [nodeView("ship1"), nodeView("ship2")],
    "GET /v1/logs/search": { lines: [], complete: true, readBackAt: null, volume: EMPTY_DAY },
  });

describe("the fields of the page of logs", () => {
  it.each(["node", "domain"])("keep what is typed for a %s while the page goes on, and apply it once", async (key) => {
    const { shown, pass } = await openLogs();
    const field = () => shown.find("input", key);
    field().fire("input", { value: "shi" });
    await theStore().nodes.readAll();
    await pass(300);
    expect(field().value).toBe("shi");
    expect(place.value.query[key]).toBeUndefined();
    field().fire("input", { value: "ship1" });
    field().fire("keydown", { key: "Enter" });
    await pass(50);
    expect([field().value, place.value.query[key]]).toEqual(["ship1", "ship1"]);
  });

  it("apply what is typed after a pause too, and when they are left", async () => {
    const { shown, pass } = await openLogs();
    shown.find("input", "node").fire("input", { value: "ship1" });
    await pass(1_000);
    expect(place.value.query.node).toBe("ship1");
    shown.find("input", "domain").fire("input", { value: "nginx" });
    await pass(20);
    shown.find("input", "domain").fire("blur");
    expect(place.value.query.domain).toBe("nginx");
  });

  it("stand above a day of which nothing was forwarded, which is said so", async () => {
    const { shown } = await openLogs();
    expect(shown.textContent).toContain("nothing in the last day");
    expect(shown.textContent).not.toContain("0 B");
  });
});
