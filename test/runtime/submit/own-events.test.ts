import { describe, expect, it } from "vitest";
import type { Config } from "../../../src/config/config.ts";
import { openJournal } from "../../../src/journal/journal.ts";
import { idMaker } from "../../../src/message/id.ts";
import type { Json } from "../../../src/message/message.ts";
import { encodeItem } from "../../../src/message/wire/frame.ts";
import type { Method } from "../../../src/methods/define.ts";
import { syslogforwarding } from "../../../src/methods/syslogforwarding.ts";
import { OwnEvents } from "../../../src/runtime/submit/own-events.ts";
import { Submitter } from "../../../src/runtime/submit/submit.ts";
import { SimulatedClock } from "../../harness/clock.ts";
import { seededRandom } from "../../harness/random.ts";
import { emptyDisk, openMemoryStore } from "../../twins/memory-store.ts";

const LOG = "central.event.syslogforwarding.app";
const NOTE = "central.event.note.app";
const note: Method = { name: "note", summary: "", event: { check: () => undefined, handle: async () => undefined } };

function scene(messageBytes: number, broker: number | undefined, frameBytes = 4 * 1024 * 1024) {
  const clock = new SimulatedClock();
  const random = seededRandom(1);
  const journal = openJournal(openMemoryStore(emptyDisk(), clock), { node: "ship1", path: "", clock, random });
  const config = {
    node: "ship1",
    limits: { messageBytes },
    defaults: { deliverBy: null },
    link: { frameBytes },
  } as Config;
  const told: string[] = [];
  const parts = {
    config: () => config,
    journal,
    methods: new Map([syslogforwarding, note].map((method) => [method.name, method])),
    clock,
    newId: idMaker(clock, random),
  };
  const submitter = new Submitter({
    ...parts,
    transport: { maxPayload: () => broker ?? 1024 * 1024 },
    storage: { refusal: () => undefined },
    fleet: { isKnown: () => true, expect: () => undefined },
    publishers: { wake: () => undefined, moved: () => undefined },
    announce: { queued: () => undefined },
    replies: { hasRoomFor: () => true, expect: () => undefined },
  });
  const events = new OwnEvents({
    ...parts,
    submitter,
    brokerLimit: { bytes: broker },
    counters: { deadLetters: 0 },
    failures: { report: (_code, text) => void told.push(text) },
  });
  const queued = (subject: string) =>
    journal.outbox
      .take(subject, 1, { count: 10_000, bytes: Number.POSITIVE_INFINITY, sizeOf: () => 1 })
      .map(({ message }) => message);
  return { journal, told, queued, emit: (subject: string, data: Json) => events.submit(subject, data) };
}

const lines = Array.from({ length: 200 }, (_, n) => ({ text: `${n} ${"x".repeat(700)}` }));
const sizes = (messages: readonly Parameters<typeof encodeItem>[0][]) =>
  messages.map((message) => Buffer.byteLength(encodeItem(message)));

describe("what a source of this node makes", () => {
  it.each([
    ["the broker takes", 512 * 1024, 16_384],
    ["limits.messageBytes allows", 16_384, 1024 * 1024],
  ])("goes in messages that are no larger than %s", (_what, messageBytes, broker) => {
    const { emit, queued } = scene(messageBytes, broker);
    emit(LOG, { lines });
    expect(Math.max(...sizes(queued(LOG)))).toBeLessThanOrEqual(16_384);
    expect(queued(LOG).flatMap(({ data }) => (data as { lines: Json[] }).lines)).toEqual(lines);
  });

  it("goes in messages of an eighth of a frame on a slow link, where what is urgent waits for the one under way", () => {
    const { emit, queued } = scene(512 * 1024, 1024 * 1024, 32 * 1024);
    emit(LOG, { lines });
    expect(Math.max(...sizes(queued(LOG)))).toBeLessThanOrEqual(4 * 1024 + 200);
    expect(queued(LOG).flatMap(({ data }) => (data as { lines: Json[] }).lines)).toEqual(lines);
    emit(NOTE, { text: "y".repeat(20_000) });
    expect(queued(NOTE)).toHaveLength(1);
  });

  it("goes in small messages as long as no broker has said what it takes", () => {
    const { emit, queued } = scene(512 * 1024, undefined);
    emit(LOG, { lines });
    expect(Math.max(...sizes(queued(LOG)))).toBeLessThanOrEqual(16_384);
  });

  it("goes in one message where there is room", () => {
    const { emit, queued } = scene(512 * 1024, 1024 * 1024);
    emit(LOG, { lines });
    expect(queued(LOG)).toHaveLength(1);
  });

  it("becomes a dead letter where it is too large and cannot be divided; what comes behind it is queued", () => {
    const { emit, queued, journal, told } = scene(512 * 1024, 16_384);
    emit(NOTE, { text: "y".repeat(20_000) });
    emit(NOTE, { text: "z" });
    expect(queued(NOTE).map(({ data }) => data)).toEqual([{ text: "z" }]);
    expect(journal.inbox.dead()).toMatchObject([{ message: { subject: NOTE, data: { text: "y".repeat(20_000) } } }]);
    expect(told).toEqual([expect.stringMatching(/20011 bytes.*cannot be divided/)]);
  });
});
