import { EventEmitter } from "node:events";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { Connection } from "../../../src/runner/process/connection.ts";
import { LineReader, PROTOCOL_VERSION, readFromRunner, readToRunner } from "../../../src/runner/protocol.ts";
import { isRunId, readRecord } from "../../../src/runner/run-records.ts";
import { damaged } from "../damage.ts";
import { insist, insistSame, type Room, type Target } from "../target.ts";
import { twisted } from "../twist.ts";

/** What daemon and runner say to each other, and the files in which the runner keeps what became of a run. */
const ID = "01HZZZZZZZ0123456789ABCDEF";
const end = {
  kind: "exited",
  code: 0,
  signal: null,
  startedAt: 1,
  at: 2,
  rest: [{ stream: "stdout", offset: 0, text: "x" }],
  totals: { stdout: { bytes: 1, kept: 1 }, stderr: { bytes: 0, kept: 0 } },
};
const ends = fc.constantFrom<object>(end, { ...end, ended: "timeout", swept: true }, { kind: "lost", message: "x" });

const said = fc.oneof(
  fc.constantFrom<object>(
    { type: "hello", version: 1, pid: 5, env: { PATH: "/bin" }, cwd: "/" },
    { type: "start", spec: { id: ID, argv: ["true"], timeout: 1, grace: 1, head: 1, tail: 1 } },
    ...["adopt", "cancel", "forget", "notHere", "forgotten"].map((type) => ({ type, id: ID })),
    { type: "started", id: ID, pid: 7 },
    { type: "output", id: ID, parts: [{ stream: "stderr", offset: 3, text: "eA==", encoding: "base64" }] },
  ),
  ends.map((outcome) => ({ type: "end", id: ID, end: outcome })),
);
const conversation = fc
  .array(twisted(said), { minLength: 1, maxLength: 4 })
  .map((lines) => Buffer.from(`${lines.join("\n")}\n`) as Uint8Array);

export const runnerLines: Target = {
  name: "runner-protocol",
  about: "lines between daemon and runner, read by both",
  runs: 600,
  input: fc.oneof({ weight: 3, arbitrary: conversation }, { weight: 2, arbitrary: damaged(conversation) }),
  check(input) {
    const bytes = Buffer.from(input);
    const whole = new LineReader().push(bytes);
    const pieces = new LineReader();
    insistSame(
      [...bytes].flatMap((byte) => pieces.push(Buffer.from([byte]))),
      whole,
      "the lines of single bytes",
    );
    for (const line of whole) {
      try {
        readToRunner(line);
      } catch (thrown) {
        insist(thrown instanceof Error && !(thrown instanceof TypeError), `a line is refused with ${String(thrown)}`);
      }
      try {
        const message = readFromRunner(line);
        if (message.type === "end") insistEnd(message.end);
      } catch (thrown) {
        insist(thrown instanceof Error && !(thrown instanceof TypeError), `a line is refused with ${String(thrown)}`);
      }
    }
    insistConnection(bytes);
  },
};

/** The runner's end: what is no hello at first ends the connection, with a word why; later nothing does but another hello. */
function insistConnection(bytes: Buffer): void {
  const socket = Object.assign(new EventEmitter(), {
    destroyed: false,
    write: () => true,
    destroy: () => {
      socket.destroyed = true;
    },
  });
  const words: string[] = [];
  const started: unknown[] = [];
  const named: unknown[] = [];
  new Connection(socket as unknown as Socket, {
    pid: 1,
    start: (spec) => {
      if (!isRunId(spec.id)) throw new Error("not an id");
      started.push(spec.id);
      return true;
    },
    find: (id) => void named.push(id),
    prepare: (id) => {
      named.push(id);
      if (!isRunId(id)) throw new Error("not an id");
    },
    forget: (id) => {
      named.push(id);
      if (!isRunId(id)) throw new Error("not an id");
    },
    log: (text) => words.push(text),
    closed: () => undefined,
  });
  socket.emit("data", bytes);
  insist(!socket.destroyed || words.length > 0, "a connection that is ended says why");
  insist(
    !socket.destroyed || !greets(bytes),
    "a daemon that was understood at first is not left for what it says later",
  );
  insist(
    named.every((id) => typeof id === "string"),
    "what names a run is a text: it is said again in the answer",
  );
  for (const id of started) insist(/^[A-Za-z0-9][\w-]*$/.test(String(id)), `${String(id)} would be a directory`);
}

/** Whether the first line is a hello, and no later one is of a version that is not spoken. */
function greets(bytes: Buffer): boolean {
  const hellos = new LineReader().push(bytes).map((line) => {
    try {
      const message = readToRunner(line);
      return message.type === "hello" ? message.version === PROTOCOL_VERSION : undefined;
    } catch {
      return undefined;
    }
  });
  return hellos[0] === true && !hellos.includes(false);
}

function insistEnd(found: { readonly kind: string; readonly totals?: object }): void {
  insist(["exited", "notStarted", "lost"].includes(found.kind), `a run ended as ${found.kind}`);
  insist(found.kind !== "exited" || found.totals !== undefined, "an end tells how much was printed");
}

const record = fc.oneof(
  ends.map((outcome) => ({ format: 1, end: outcome })),
  fc.constant({ format: 1, id: ID, argv: ["true"], grace: 5 }),
  fc.constant({ format: 1, pid: 4711, startTime: "99", boot: "b", at: 5 }),
);

export const runRecords: Target = {
  name: "run-record",
  about: "spec.json, started.json and end.json of a run, all with this content",
  runs: 500,
  input: fc.oneof(
    twisted(record).map((text) => new Uint8Array(Buffer.from(text))),
    damaged(record.map((value) => Buffer.from(JSON.stringify(value)))),
  ),
  open: temporaryRoom,
  async check(input, { directory }) {
    mkdirSync(join(directory, ID), { recursive: true });
    for (const name of ["spec.json", "started.json", "end.json"]) writeFileSync(join(directory, ID, name), input);
    const found = await readRecord(directory, ID);
    insist(found.kind !== "none" && found.kind !== "prepared", "a run that has its mark is known");
    if (found.kind === "ended") insistEnd(found.end);
    else insist(Number.isFinite(found.grace) && found.grace >= 0, `the grace is ${found.grace}`);
    const { started } = found;
    insist(started === undefined || started.pid > 1, `the group ${started?.pid} would be signalled`);
  },
};

export async function temporaryRoom(): Promise<Room> {
  const directory = mkdtempSync(join(tmpdir(), "steward-fuzz-"));
  return { directory, close: () => rm(directory, { recursive: true, force: true }) };
}
