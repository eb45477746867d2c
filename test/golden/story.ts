import type { Judgement } from "../../src/journal/inbox.ts";
import type { Journal } from "../../src/journal/journal.ts";
import type { FinalState } from "../../src/message/lifecycle.ts";
import type { Json, Message } from "../../src/message/message.ts";
import type { Report } from "../../src/message/report.ts";
import type { Ack, Frame, FrameItem } from "../../src/message/wire/frame.ts";
import { accept } from "../contract/accept.ts";

/**
 * A journal's life in which everything happens that can happen to one: what a golden journal is recorded from. It is told
 * in two parts, so that a recorder can have the rows of the first moved from the log to the tables.
 */
export const NODE = "central";
export const START = Date.UTC(2030, 0, 1);
export const LANES = {
  commands: "ship1.command.shellcommand.os",
  jobs: "ship2.command.work.tank",
  kept: "ship1.event.note.bridge",
  passing: "ship1.event.syslogforwarding.nginx",
  refused: "ship2.event.syslogforwarding.nginx",
} as const;
export const TAKEN = {
  commands: "central.command.echo.desk",
  events: "central.event.log.x",
  fast: "central.event.log.y",
} as const;
export const KEYS = { checkpoints: ["source a", "Quelle ü"], taken: ["file 1", "file ß"] } as const;

const ENDS: readonly FinalState[] = [
  "succeeded",
  "failed",
  "timedOut",
  "cancelled",
  "rejected",
  "interrupted",
  "expired",
];
const ANY_TEXT = 'é 界 \u{1f6a2} \u0000\u007f\u2028 "\\ \ud800';

/** The n-th id, made at `START` and `ms` later. */
export function idOf(n: number, ms = 0): string {
  const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  let head = "";
  for (let i = 0, rest = START + ms; i < 10; i++, rest = Math.floor(rest / 32)) head = alphabet[rest % 32] + head;
  return `${head}${String(n).padStart(16, "0")}`;
}

function message(n: number, subject: string, more: Partial<Message> = {}): Message {
  const own = { deliverBy: null, timeout: null, data: ["echo", String(n)] };
  return { id: idOf(n, n * 10), subject, origin: NODE, createdAt: START + n * 10, ...own, ...more };
}

function ack(journal: Journal, last: number, more: Partial<Ack> = {}): Ack {
  const { epoch } = journal;
  const receiver = { node: "ship1", receiverEpoch: "r1", sentAt: START + 5000 };
  return { ...receiver, epoch, last, started: 0, upTo: last, credit: 100, verdicts: [], ...more };
}

function frame(first: number, ids: readonly number[], more: Partial<Frame> = {}): Frame {
  const items = ids.map(
    (n): FrameItem => ({
      id: idOf(n, n * 10),
      createdAt: START + n * 10,
      deliverBy: n % 2 === 0 ? START + 86_400_000 : null,
      timeout: n % 3 === 0 ? 30_000 : null,
      data: n % 5 === 0 ? { text: ANY_TEXT } : ["echo", String(n)],
    }),
  );
  return { origin: "ship1", epoch: "e1", sentAt: START, first, acked: 0, items, ...more };
}

const later: Judgement = { kind: "take", deadline: null, start: false };
const atOnce: Judgement = { kind: "take", deadline: START + 90_000, start: true };

/** Every `turn` ends one turn of the event loop, with all that was written in it durable. */
export async function firstPart(journal: Journal, turn: () => Promise<void>): Promise<void> {
  const { outbox } = journal;
  const send = (subject: string, to = Number.POSITIVE_INFINITY): void => {
    const lane = outbox.lanes.get(subject);
    const bounds = { count: 1000, bytes: 1_000_000, sizeOf: () => 10 };
    const records = outbox.take(subject, (lane?.sent ?? 0) + 1, bounds).filter(({ seq }) => seq <= to);
    outbox.sending(subject, records, START + 2000);
  };
  const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

  // Commands 1 to 16: 1 to 7 end in every way, 8 twice, 9 late, 10 runs, 11 is received, 12 and 13 are decided at the door.
  outbox.enqueue(
    range(1, 12).map((n) => message(n, LANES.commands, n === 3 ? { data: { text: ANY_TEXT }, timeout: 30_000 } : {})),
    true,
  );
  await turn();
  outbox.enqueue([message(13, LANES.commands, { deliverBy: START + 60_000 })], true);
  await turn();
  send(LANES.commands);
  await turn();
  const verdicts = [
    { seq: 12, state: "rejected" as const, reason: "not allowed: Ärger" },
    { seq: 13, state: "expired" as const, reason: "it came too late" },
  ];
  outbox.acknowledge(LANES.commands, ack(journal, 13, { started: 10, verdicts }), START + 6000);
  await turn();
  ENDS.forEach((state, i) => {
    const end = { state, at: START + 8000 + i, startedAt: START + 7000 + i };
    const report: Report = i === 1 ? { ...end, code: 3, reason: "exit code 3" } : end;
    outbox.report(idOf(i + 1, (i + 1) * 10), "ship1", report, START + 8500);
  });
  await turn();
  const part = (offset: number, text: string) => ({ stream: "stdout" as const, offset, text });
  const of8 = idOf(8, 80);
  const began = { state: "running" as const, at: START + 7100, startedAt: START + 7050 };
  outbox.report(of8, "ship1", {
    ...began,
    output: [part(0, "läuft\n"), { ...part(0, "AAE="), stream: "stderr", encoding: "base64" }],
  });
  await turn();
  const totals = { stdout: { bytes: 20, kept: 11 }, stderr: { bytes: 2, kept: 2 } };
  outbox.report(of8, "ship1", {
    state: "succeeded",
    at: START + 9000,
    code: 0,
    output: [part(7, "ok\n")],
    totals,
    result: { n: [1, null] },
  });
  outbox.report(of8, "ship1", { state: "failed", at: START + 9500, signal: "SIGKILL", reason: "a second end" });
  outbox.report(
    idOf(9, 90),
    "ship1",
    { state: "interrupted", at: START + 7500, reason: "the host went down" },
    START + 80_000,
  );
  outbox.report(idOf(10, 100), "ship1", { ...began, at: START + 9000 });
  outbox.cancelRequested(idOf(10, 100), { cancelRequestedAt: START + 9100, cancelId: idOf(15, 150) });

  // Two were never sent when they ended, and travel as skip markers; one is on the wire, one waits.
  outbox.enqueue(
    range(20, 23).map((n) => message(n, LANES.jobs)),
    true,
  );
  await turn();
  outbox.withdraw(idOf(20, 200), "cancelled", START + 3000, "nobody wants it");
  outbox.withdraw(idOf(21, 210), "expired", START + 3000, "not sent before its deadline");
  await turn();
  send(LANES.jobs, 3);
  await turn();

  // Events: kept ones of which one has arrived; what sources send is forgotten with its ACK.
  outbox.enqueue([message(30, LANES.kept), message(31, LANES.kept)], true);
  outbox.enqueue(
    range(40, 45).map((n) => message(n, LANES.passing)),
    false,
  );
  outbox.enqueue([message(50, LANES.refused), message(51, LANES.refused)], false);
  await turn();
  outbox.enqueue(
    range(46, 49).map((n) => message(n, LANES.passing, { inReplyTo: idOf(100, 1000) })),
    false,
  );
  await turn();
  for (const subject of [LANES.kept, LANES.passing, LANES.refused]) send(subject);
  await turn();
  outbox.acknowledge(LANES.kept, ack(journal, 1), START + 6000);
  outbox.acknowledge(LANES.passing, ack(journal, 8), START + 6000);
  const no = [{ seq: 1, state: "rejected" as const, reason: "no such method" }];
  outbox.acknowledge(
    LANES.refused,
    ack(journal, 2, { node: "ship2", receiverEpoch: "r2", verdicts: no }),
    START + 6000,
  );
  await turn();
  await holding(journal, turn);
  await ordering(journal, turn);
  await keeping(journal, turn);
  await taking(journal, turn);
}

/** What lies among the checkpoints and is known to the journal itself. */
export const KEPT = [
  "hold ship1",
  "mute ship2",
  "errand e1-pager",
  `reply ${idOf(7, 70)}`,
  "schedule nightly",
  "schedules ship1",
] as const;

/** Maintenance, a mute, an errand, a reply that is expected, a schedule of this node and one that another told of. */
async function keeping(journal: Journal, turn: () => Promise<void>): Promise<void> {
  const hold = { v: 1, since: START + 1000, endsAt: START + 86_400_000, by: "Jürgen", note: "Trockendock" };
  const run = { id: idOf(310, 3100), due: START, at: START + 400, state: "failed", code: 3, output: "voll\n" };
  const times = { every: "every day at 02:00", window: "02:00-04:00", missed: "once" };
  const order = message(311, `${NODE}.command.schedule.steward`, { origin: "central" });
  const known = { since: START + 400, cause: "failed: exit 3", left: 2, runs: [run] };
  const values: readonly Json[] = [
    hold,
    { v: 1, since: START, endsAt: null, by: "central" },
    {
      ...{ v: 1, id: "e1-pager", to: "pager", about: "outcome", body: { id: "e1", state: "failed" } },
      ...{ madeAt: START, attempts: 2, dueAt: START + 9000, fault: "example.org answered 503" },
    },
    { v: 1, to: ["log", "pager"] },
    {
      ...{
        v: 1,
        name: "nightly",
        plan: { ...times, zone: "Europe/Oslo", subject: "command.shellcommand.os", data: ["ls"] },
      },
      ...{ order: order as unknown as Json, epoch: journal.epoch, setAt: START, state: "running", last: START + 500 },
      ...{ high: START + 500, run: { id: idOf(312, 3120), due: START + 500 }, ...known },
    },
    {
      ...{ v: 1, at: START + 500 },
      schedules: [
        {
          ...{ name: "logs", from: "file", ...times, zone: "UTC", subject: "command.shellcommand.os", what: "pack ü" },
          ...{ note: "jede Nacht", state: "waiting", next: START + 86_400_000, ...known },
        },
      ],
    },
  ];
  for (const [i, key] of KEPT.entries()) journal.setCheckpoint({ key, value: values[i] ?? null });
  await turn();
}

/** Messages that were held: some still are, one was released after a younger one, one was cancelled. */
async function holding({ held, outbox }: Journal, turn: () => Promise<void>): Promise<void> {
  const members = [200, 201, 202, 203].map((n) => [idOf(n, n * 10), "ship1"] as const);
  const content = { data: ["echo", ANY_TEXT], timeout: 30_000, wait: 3_600_000, until: START + 86_400_000 };
  const group = held.add(
    { subject: "command.shellcommand.os", ...content, at: START + 2000, owner: idOf(300, 3000) },
    members,
    { reason: "approval", text: "zwei Personen" },
  );
  await turn();
  outbox.enqueue([message(200, LANES.commands, { createdAt: START + 9000 })], true);
  held.released(group, [0]);
  held.ended(group, [1], { state: "cancelled", at: START + 9000, reason: "nobody wants it" });
  held.explain(group, [
    [2, { reason: "rate" }],
    [4, { reason: "wave", text: "wave 2 of 2" }],
  ]);
  await turn();
}

/** The order of the messages that were held, and a second attempt at it that ended. */
async function ordering({ held, jobs }: Journal, turn: () => Promise<void>): Promise<void> {
  const [group] = held.groups;
  if (group === undefined) throw new Error("nothing was held");
  const none = {
    soak: 60_000,
    gate: 95,
    atOnce: null,
    rate: 30,
    beginAt: null,
    every: null,
    until: START + 86_400_000,
  };
  const bound = { most: 5, unit: "percent", action: "abort" } as const;
  jobs.add({
    ...{ v: 1, id: idOf(300, 3000), at: START + 2000, by: "Jürgen", target: "class=tanker", note: "Winter" },
    subject: "command.shellcommand.os",
    ...{ reply: ["log"], jobReply: ["office"] },
    plan: {
      ...{ ...none, waves: ["1", "100%"], bounds: { failed: bound }, ifAway: "queue", approval: true },
      ...{ window: "02:00-04:00", zone: "node" },
    },
  });
  const attempt = { group: group.id, at: START + 2000, of: "all", waves: [1, 4] };
  const stand = {
    v: 1,
    since: START + 2000,
    cause: "",
    wave: 0,
    waveEndedAt: null,
    beginAt: null,
    allowed: {},
  } as const;
  jobs.setStand(idOf(300, 3000), { ...stand, state: "awaitingApproval", attempts: [attempt] });
  await turn();
  const more = { cause: "1 failed", allowed: { failed: 1 }, waveEndedAt: START + 9500, since: START + 9000 };
  jobs.setStand(idOf(300, 3000), { ...stand, ...more, state: "paused", attempts: [attempt] });
  await turn();
}

/** What the node took from others. */
async function taking(journal: Journal, turn: () => Promise<void>): Promise<void> {
  const { inbox } = journal;
  accept(inbox, frame(1, [100, 101, 102, 103, 104]), TAKEN.commands, START + 1000, (_, seq) =>
    seq === 5 ? { kind: "verdict", state: "rejected", reason: "not for you" } : seq === 2 ? atOnce : later,
  );
  await turn();
  inbox.start(idOf(100, 1000), START + 1100);
  inbox.cancelRequested(idOf(101, 1010), "ship1");
  await turn();
  inbox.finish(idOf(100, 1000), { state: "succeeded", at: START + 1200, startedAt: START + 1100, code: 0 }, "echo 100");
  inbox.failedOnce(idOf(102, 1020));
  inbox.start(idOf(103, 1030), START + 1300);
  await turn();
  inbox.failedOnce(idOf(102, 1020));
  inbox.notStarted(idOf(103, 1030));
  await turn();
  accept(inbox, frame(1, [110, 111, 112]), TAKEN.events, START + 1400, () => later);
  await turn();
  inbox.bury(idOf(110, 1100), "it failed its process three times: 界", START + 1500);
  inbox.finish(idOf(111, 1110), { state: "succeeded", at: START + 1500 }, "");
  await turn();
  // Numbers 4 to 9 went to another journal of this node; then the origin has a new one.
  accept(inbox, frame(10, [120, 121], { acked: 9 }), TAKEN.events, START + 1600, () => later);
  accept(inbox, frame(1, [130], { epoch: "e2" }), TAKEN.events, START + 1700, () => later);
  // What comes and ends within a turn leaves its number behind, and nothing else.
  accept(inbox, frame(1, [140], { origin: "ship2" }), TAKEN.fast, START + 1800, () => atOnce);
  inbox.finish(idOf(140, 1400), { state: "succeeded", at: START + 1800 }, "");
  inbox.cancelEarly(idOf(150, 1500), "ship1");
  inbox.cancelEarly(idOf(151, 1510), "ship2");
  await turn();
  inbox.cancelledEarly(idOf(151, 1510));
  journal.setCheckpoint({ key: "source a", value: { offset: 10 } });
  journal.setCheckpoint({ key: "Quelle ü", value: [1, ANY_TEXT] });
  journal.setTaken("file 1", [idOf(1, 10), idOf(2, 20)]);
  journal.setTaken("file ß", []);
  journal.setNode("ship1", { link: "online", since: START, note: "Nord–Süd" });
  journal.notes.setHistory(1, {
    v: 1,
    from: START,
    until: START + 1_000,
    entries: [[START, "ship1", "link", "online", "hello"]],
  });
  journal.setNode("ship2", { link: "offline" });
  await turn();
}

/** What only the log has. */
export async function secondPart(journal: Journal, turn: () => Promise<void>): Promise<void> {
  const { outbox, inbox } = journal;
  const more: Json = { lines: ["last", "words"], n: 1.5, deep: [[{ a: null }]] };
  const [group] = journal.held.groups;
  if (group !== undefined) journal.held.ended(group, [2], { state: "expired", at: START + 11_000, reason: "too late" });
  outbox.enqueue([message(60, LANES.commands, { data: more }), message(61, LANES.kept)], true);
  outbox.report(
    idOf(11, 110),
    "ship1",
    { state: "succeeded", at: START + 12_000, startedAt: START + 11_000 },
    START + 12_500,
  );
  await turn();
  accept(inbox, frame(6, [105]), TAKEN.commands, START + 12_000, () => atOnce);
  inbox.start(idOf(102, 1020), START + 12_100);
  inbox.finish(idOf(103, 1030), { state: "cancelled", at: START + 12_200, reason: "asked for" }, "echo 103");
  journal.setCheckpoint({ key: "source a", value: { offset: 20 } });
  journal.setNode("ship2", { link: "online" });
  await turn();
}
