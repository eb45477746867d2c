import { h } from "preact";
import { describe, expect, it } from "vitest";
import { MachinePanel } from "../../src/dashboard/chart/machine-panel.tsx";
import { MessagePage } from "../../src/dashboard/pages/message.tsx";
import { Timelines } from "../../src/dashboard/pages/node/timelines.tsx";
import { Sure } from "../../src/dashboard/parts/sure.tsx";
import { byClock, chooseClock } from "../../src/dashboard/store/clock-choice.ts";
import { nodeView } from "./node-view.ts";
import { openRoom } from "./page-room.ts";

describe("a button that asks before it acts", () => {
  const openSure = async () => {
    let done = 0;
    const onSure = async () => {
      done++;
    };
    const room = await openRoom("/", h(Sure, { sure: "two ships are left alone", onSure, children: "abort" }), {});
    const press = async () => {
      room.shown.find("button").fire("click");
      await room.pass(100);
    };
    return { ...room, press, done: () => done };
  };

  it("keeps its text, says beside it what a second press does, and acts on that one", async () => {
    const { shown, press, done } = await openSure();
    await press();
    expect(shown.find("button").textContent).toBe("abort");
    expect(shown.find("span").textContent).toBe("two ships are left alone. Press again to confirm.");
    expect(done()).toBe(0);
    await press();
    expect(done()).toBe(1);
    expect(shown.has("span")).toBe(false);
  });

  it("says so when it was not pressed again in time, and then asks anew", async () => {
    const { shown, press, pass, done } = await openSure();
    await press();
    await pass(8_500);
    expect(shown.find("span").textContent).toBe("Not pressed again in time: nothing was done.");
    await press();
    expect(done()).toBe(0);
  });

  it("asks no more after Escape", async () => {
    const { shown, press, pass } = await openSure();
    await press();
    shown.find("button").fire("keydown", { key: "Escape" });
    await pass(100);
    expect(shown.has("span")).toBe(false);
  });
});

describe("a machine on the page", () => {
  it("is shown as it was before its last transition at the first step back, and counts in words", async () => {
    const region = {
      name: "link",
      initial: "online",
      states: ["online", "offline"].map((id) => ({ id, final: false })),
      arrows: [],
    };
    const step = { region: "link", at: 5_000, from: "online", to: "offline", cause: "bye", event: "BYE" };
    const machine = { name: "node", regions: [region] } as never;
    const present = { link: "offline" };
    const { shown, pass } = await openRoom("/", h(MachinePanel, { machine, present, steps: [step] }), {});
    expect(shown.textContent).toContain("present state, after 1 transition");
    expect(shown.textContent).not.toContain("1 transitions");
    shown.find("button", "back").fire("click");
    await pass(100);
    expect(shown.textContent).toMatch(/as it was before .*: link online → offline \(bye\)/);
    expect(shown.find("figcaption").textContent).toBe("linkonline");
  });
});

describe("the page of a message", () => {
  it("leads to its job, and its history ends with what it is now", async () => {
    const message = {
      ...{ id: "ID1", subject: "ship1.command.shellcommand.os", origin: "central", direction: "out", state: "held" },
      ...{
        final: false,
        since: 1,
        createdAt: 1,
        deliverBy: null,
        timeout: null,
        attempts: 0,
        summary: "uname",
        data: [],
      },
      ...{ history: [{ state: "queued", at: 1, by: "central" }], output: [], job: "JOB1", operator: "ann@central" },
      reason: "maintenance until 2026-11-30T14:05:00.000Z: dry dock",
    };
    chooseClock(true);
    const { shown } = await openRoom("/messages/ID1", h(MessagePage, { id: "ID1" }), {
      "GET /v1/messages/ID1": message,
    });
    expect(shown.find("a", "JOB1").getAttribute("href")).toBe("/jobs/JOB1");
    expect(shown.find("ol").textContent).toMatch(/queued.*held.*now/);
    expect(shown.textContent).toContain("maintenance until 2026-11-30 14:05:00: dry dock");
    expect(shown.textContent).toContain("ann@central");
    chooseClock(false);
  });
});

describe("the one who asked for a message", () => {
  it("is the one whom the audit names for it, however much was asked for since, also where it was held before", async () => {
    const id = "01K9ZD3Q5V01K9ZD3Q5V01K9ZD";
    const orderedAt = 1_763_064_274_107;
    const message = {
      ...{ id, subject: "ship1.command.shellcommand.os", origin: "central", direction: "out", state: "running" },
      ...{ final: false, since: 1, createdAt: orderedAt + 86_400_000, deliverBy: null, timeout: null, attempts: 1 },
      ...{ summary: "uname", data: [], history: [], output: [] },
    };
    const { shown, asked } = await openRoom(`/messages/${id}`, h(MessagePage, { id }), {
      [`GET /v1/messages/${id}`]: message,
      "GET /v1/audit": [{ no: 1, at: orderedAt, what: "submit", by: "ann", allowed: true, ids: ["x", id], prev: "" }],
    });
    const query = asked.find(({ route }) => route === "GET /v1/audit")?.query;
    expect([query?.get("message"), query?.get("what"), query?.get("limit")]).toEqual([id, "submit", "1"]);
    expect(Number(query?.get("since"))).toBeLessThanOrEqual(orderedAt);
    expect(shown.textContent).toContain("asked byann");
    expect(shown.find("a", "the audit of it").getAttribute("href")).toBe(`/inspection?tab=audit&message=${id}`);
  });
});

describe("the states of a node over time", () => {
  it("are known for a region that has never changed", async () => {
    const node = { ...nodeView("ship1"), asOf: 1, startedAt: 1, changes: [], lanes: [] };
    const { shown } = await openRoom("/nodes/ship1", h(Timelines, { node }), {
      "GET /v1/history": { nodes: [{ name: "ship1", regions: { link: [[1, "online", "a frame"]] } }], unknown: [] },
    });
    const labels = [...shown.all()].map((one) => one.getAttribute("aria-label") ?? "");
    expect(labels.some((label) => label.startsWith("work: idle for"))).toBe(true);
    expect(labels.some((label) => label.startsWith("storage: ok for"))).toBe(true);
  });
});

describe("a time in a text of the daemon", () => {
  it("is shown by the chosen clock, and other text stays", () => {
    chooseClock(true);
    expect(byClock("maintenance until 2026-11-30T14:05:09.120Z: note 12")).toBe(
      "maintenance until 2026-11-30 14:05:09: note 12",
    );
    chooseClock(false);
    expect(byClock(undefined)).toBe("");
  });
});
