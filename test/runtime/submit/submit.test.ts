import { describe, expect, it } from "vitest";
import type { Config } from "../../../src/config/config.ts";
import { openJournal } from "../../../src/journal/journal.ts";
import type { Draft } from "../../../src/message/draft.ts";
import { idMaker } from "../../../src/message/id.ts";
import type { Json } from "../../../src/message/message.ts";
import { echo } from "../../../src/methods/echo.ts";
import { ping } from "../../../src/methods/ping.ts";
import { Submitter } from "../../../src/runtime/submit/submit.ts";
import { SimulatedClock } from "../../harness/clock.ts";
import { seededRandom } from "../../harness/random.ts";
import { emptyDisk, openMemoryStore } from "../../twins/memory-store.ts";

function scene() {
  const clock = new SimulatedClock();
  const random = seededRandom(1);
  const journal = openJournal(openMemoryStore(emptyDisk(), clock), { node: "central", path: "", clock, random });
  const config = {
    node: "central",
    limits: { messageBytes: 65_536 },
    defaults: { deliverBy: null, timeout: 1_000 },
  } as Config;
  const woken: string[] = [];
  const checked: Json[] = [];
  const strict = {
    ...echo,
    command: {
      run: async () => ({ state: "succeeded" as const }),
      check: (data: Json) => {
        checked.push(data);
        if (data === "bad") throw new Error("it is bad");
      },
    },
  };
  const submitter = new Submitter({
    config: () => config,
    journal,
    methods: new Map([
      [echo.name, strict],
      [ping.name, ping],
    ]),
    clock,
    newId: idMaker(clock, random),
    transport: { maxPayload: () => 1024 * 1024 },
    storage: { refusal: () => undefined },
    fleet: { isKnown: () => true, expect: () => undefined },
    publishers: { moved: () => undefined, wake: (subject) => void woken.push(subject) },
    replies: { hasRoomFor: () => true, expect: () => undefined },
    announce: { queued: () => undefined },
  });
  const queued = () =>
    [...journal.outbox.lanes.keys()].flatMap((subject) =>
      journal.outbox.take(subject, 1, { count: 10, bytes: 1e9, sizeOf: () => 1 }),
    );
  return { submitter, journal, woken, checked, queued };
}

const toEach = (nodes: number, data: Json): Draft[] =>
  Array.from({ length: nodes }, (_, n) => ({ subject: `ship${n}.command.echo.os`, data }));
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("a command to thousands of nodes", () => {
  it("is queued in one turn, and its publishers are woken some in each turn, in order, every one of them", async () => {
    const { submitter, journal, woken, queued } = scene();
    const drafts = toEach(1_000, { text: "hello" });
    expect(submitter.submit(drafts)).toHaveLength(1_000);
    expect(queued()).toHaveLength(1_000);
    const atOnce = woken.length;
    expect(atOnce).toBeLessThan(500);
    while (woken.length < 1_000) {
      const before = woken.length;
      await turn();
      expect(woken.length - before).toBeLessThan(500);
    }
    expect(woken).toEqual(drafts.map(({ subject }) => subject));
    await journal.close();
  });

  it("travels with its own data to each, and one draft with bad data among them refuses all", async () => {
    const { submitter, journal, queued } = scene();
    const texts = ["a", "a", "b", "a"];
    submitter.submit(texts.map((data, n) => ({ subject: `ship${n}.command.echo.os`, data })));
    expect(queued().map(({ text }) => (JSON.parse(text) as { d: Json }).d)).toEqual(texts);
    for (const data of ["bad", "\ud800", { deep: Number.NaN }]) {
      const drafts = [...toEach(2, "fine"), ...toEach(1, data), ...toEach(2, "fine")];
      expect(() => submitter.submit(drafts)).toThrow();
    }
    expect(queued()).toHaveLength(4);
    await journal.close();
  });

  it("has its data checked once for each method that it is for", async () => {
    const { submitter, journal, checked } = scene();
    submitter.submit(toEach(50, "same"));
    expect(checked).toEqual(["same"]);
    const both = [...toEach(1, "bad"), { subject: "ship1.command.ping.steward", data: "bad" }];
    expect(() => submitter.submit(both)).toThrow("it is bad");
    expect(() => submitter.submit([...both].reverse())).toThrow();
    await journal.close();
  });
});
