import fc from "fast-check";
import { StewardError } from "../../../src/message/errors.ts";
import { isId } from "../../../src/message/id.ts";
import { isFinalState } from "../../../src/message/lifecycle.ts";
import type { Json } from "../../../src/message/message.ts";
import { readReport } from "../../../src/message/report.ts";
import { bye } from "../../../src/methods/bye.ts";
import type { Method } from "../../../src/methods/define.ts";
import { echo } from "../../../src/methods/echo.ts";
import { errorlog, type Failure } from "../../../src/methods/errorlog.ts";
import { type BriefHello, type Hello, hello, isBrief } from "../../../src/methods/hello.ts";
import { ping } from "../../../src/methods/ping.ts";
import { shellcommand } from "../../../src/methods/shellcommand.ts";
import { syslogforwarding } from "../../../src/methods/syslogforwarding.ts";
import { processMethod } from "../../../src/runtime/daemon/processes/process-method.ts";
import { cancelMethod } from "../../../src/runtime/execute/cancel-method.ts";
import { processesTold } from "../../../src/runtime/operate/processes/process-answer.ts";
import { messageDetail } from "../../../src/runtime/operate/table/messages.ts";
import { depthOf, insist, insistLine, insistSame, type Target } from "../target.ts";
import { twisted } from "../twist.ts";

/** The data of messages, as each method of steward takes it, and of the events that report on commands. */
const METHODS: ReadonlyMap<string, Method> = new Map(
  [
    shellcommand({ outputBytes: () => 1000, grace: 1 }),
    syslogforwarding,
    echo,
    ping,
    hello({ hello: () => undefined }),
    bye({ bye: () => undefined }),
    errorlog({ received: () => undefined }),
    cancelMethod({ cancel: () => "done" }),
    processMethod(async () => null),
  ].map((method) => [method.name, method]),
);

const of = (method: string, data: object | null) => fc.constant({ method, data });
const valid = fc.oneof(
  of("shellcommand", ["uname", "-a"]),
  of("shellcommand", { argv: ["ls", "a b", "--"], cwd: "/srv", env: { LANG: "C", __proto__x: "y" } }),
  of("shellcommand", { script: "ls | wc -l", shell: "/bin/bash" }),
  of("syslogforwarding", {
    lines: [{ time: "2026-11-22T14:20:55.123Z", host: "h", app: "a", pid: "1", structured: ["[a b]"], text: "x" }],
  }),
  of("hello", {
    version: "0.1.0",
    epoch: "a1b2",
    life: "c3d4",
    startedAt: 1,
    now: 2,
    storage: "ok",
    methods: ["echo", "ping"],
    every: 10_000,
  }),
  of("hello", { life: "c3d4" }),
  of("bye", { reason: "it was stopped" }),
  of("errorlog", { at: 5, code: "new-epoch", text: "two\nlines" }),
  of("cancel", { id: "01HZZZZZZZ0123456789ABCDEF" }),
  of("process", { verb: "ps", subject: "ship1.command.echo.os" }),
  of("ping", null),
);

const parsed = (input: Uint8Array): unknown => {
  try {
    return JSON.parse(Buffer.from(input).toString("utf8"));
  } catch {
    return undefined;
  }
};
const bytesOf = (text: string): Uint8Array => Buffer.from(text);

export const methodData: Target = {
  name: "method-data",
  about: '{"method": …, "data": …} for the check of that method',
  runs: 3000,
  input: twisted(valid).map(bytesOf),
  check(input) {
    const call = parsed(input) as { method?: unknown; data?: Json } | null | undefined;
    const method = METHODS.get(String(call?.method instanceof Object ? "" : call?.method));
    const data = call?.data;
    // Deeper ones are refused before a method sees them.
    if (method === undefined || data === undefined || depthOf(data) > 64) return;
    for (const handler of [method.command, method.event]) {
      if (handler === undefined) continue;
      try {
        handler.check(data);
      } catch (thrown) {
        insist(thrown instanceof Error && thrown.constructor === Error, `${method.name} throws ${String(thrown)}`);
        insistLine(thrown.message, `what ${method.name} refuses`);
        continue;
      }
      if (handler === method.command) insistVector(method, data);
      if (method.name === "hello") insistShort(data as unknown as Hello | BriefHello);
      if (method.name === "cancel") insist(isId((data as { id?: unknown }).id), "what becomes a key is an id");
      if (method.name === "errorlog") new Date((data as unknown as Failure).at).toISOString();
      if (handler === method.event) insistLines(method, data);
    }
  },
};

function insistVector(method: Method, data: Json): void {
  const vector = method.command?.vector?.(data);
  const argv = vector === undefined || "argv" in vector ? vector?.argv : vector;
  insist(argv === undefined || argv.every((word) => typeof word === "string"), "a command is judged by texts");
}

function insistShort(hello: Hello | BriefHello): void {
  insist(hello.life.length <= 63, "what is kept of a hello is bounded");
  // A brief one says no more than that.
  if (isBrief(hello)) return;
  insist(JSON.stringify(hello.methods).length <= 100_000, "what is kept of a hello is bounded");
  insist(hello.version.length <= 100 && hello.epoch.length <= 63, "what is kept of a hello is bounded");
  for (const time of [hello.startedAt, hello.now, hello.every]) new Date(time).toISOString();
}

function insistLines(method: Method, data: Json): void {
  const input = { id: "01HZZZZZZZ0123456789ABCDEF", createdAt: 1, data };
  for (const line of method.event?.lines?.(input) ?? []) insist(!line.includes("\n"), "a line is one line");
}

const report = fc.record(
  {
    state: fc.constantFrom("succeeded", "failed", "timedOut", "running", "rejected", "interrupted"),
    at: fc.nat(),
    startedAt: fc.nat(),
    code: fc.nat({ max: 255 }),
    signal: fc.constant("SIGKILL"),
    reason: fc.string({ maxLength: 20 }),
    output: fc.constant([{ stream: "stdout", offset: 0, text: "x", encoding: "base64" }]),
    totals: fc.constant({ stdout: { bytes: 1, kept: 1 }, stderr: { bytes: 0, kept: 0 } }),
    result: fc.jsonValue({ maxDepth: 2 }),
  },
  { requiredKeys: ["state", "at"] },
);

/** The end of a command is folded into a record that lasts, and shown by the API. */
export const reports: Target = {
  name: "report",
  about: "the data of an event that reports on a command",
  runs: 2000,
  input: twisted(report).map(bytesOf),
  check(input) {
    const data = parsed(input);
    if (data === undefined || depthOf(data) > 64) return;
    let read: ReturnType<typeof readReport>;
    try {
      read = readReport(data);
    } catch (thrown) {
      insist(thrown instanceof StewardError && thrown.code === "data-invalid", `a report is refused with ${thrown}`);
      return;
    }
    insist(read.state === "running" || isFinalState(read.state), `${read.state} is the state of a report`);
    insistSame(readReport(JSON.parse(JSON.stringify(read))), read, "a report, written and read again");
    const { state, ...rest } = read;
    if (state === "running") return;
    const shown = messageDetail.shape.outcome.safeParse({ state, ...rest });
    insist(shown.success, `the API cannot show it: ${shown.error?.message ?? ""}`);
  },
};

const told = fc.record(
  {
    subject: fc.constantFrom("ship1.command.echo.os", "central.event.syslogforwarding.nginx"),
    role: fc.constantFrom("subscriber", "publisher", "pump"),
    state: fc.constantFrom("idle", "working", "dreaming"),
    since: fc.nat(),
    restarts: fc.nat(),
    queued: fc.nat(),
    active: fc.nat(),
    lastError: fc.string({ maxLength: 20 }),
    stuck: fc.constant({ since: 1, reason: "x" }),
    transitions: fc.array(
      fc.record(
        {
          at: fc.nat(),
          machine: fc.string(),
          event: fc.string(),
          from: fc.string(),
          to: fc.string(),
          cause: fc.string(),
        },
        { requiredKeys: ["at", "machine", "event", "from", "to"] },
      ),
      { maxLength: 5 },
    ),
  },
  { requiredKeys: ["subject", "role", "state", "since", "restarts", "queued", "active"] },
);

/** A node's word about its processes goes on to command line and page. */
export const processAnswers: Target = {
  name: "process-answer",
  about: "the answer of another node that was asked for its processes",
  runs: 2000,
  input: twisted(
    fc.record({ node: fc.constant("ship1"), asOf: fc.nat(), processes: fc.array(told, { maxLength: 4 }) }),
  ).map(bytesOf),
  check(input) {
    const answer = parsed(input) as Json | undefined;
    if (answer === undefined) return;
    let read: ReturnType<typeof processesTold>;
    try {
      read = processesTold("ship1", answer);
    } catch (thrown) {
      insist(thrown instanceof StewardError && thrown.code === "node-refused", `an answer is refused with ${thrown}`);
      insistLine(thrown.message, "what is said of an answer");
      return;
    }
    insistSame(processesTold("ship1", JSON.parse(JSON.stringify(read))), read, "an answer, written and read again");
    for (const { transitions = [], since, ...process } of read.processes) {
      insist(transitions.length <= 200, "the transitions of one process are bounded");
      insist(typeof process.subject === "string" && typeof process.state === "string", "a process is told in texts");
      for (const time of [since, ...transitions.map(({ at }) => at)]) new Date(time).toISOString();
    }
  },
};
