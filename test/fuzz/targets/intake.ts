import fc from "fast-check";
import { stringify } from "yaml";
import { checkConfig } from "../../../src/config/check.ts";
import { parseMessages } from "../../../src/intake/message-file.ts";
import { StewardError } from "../../../src/message/errors.ts";
import { parseSubject } from "../../../src/message/subject.ts";
import { parseTarget } from "../../../src/message/target/expression.ts";
import { itemBytes } from "../../../src/message/wire/bounds.ts";
import { damagedText } from "../damage.ts";
import { depthOf, insist, insistFinite, insistLine, type Target } from "../target.ts";
import { twisted } from "../twist.ts";

/** What people and programs put into files: messages, and the configuration. */
const MOST_SENT = 64 * 1024 * 1024;
const DEEPEST = 64;

const data = fc.oneof(fc.constant(["uname", "-a"]), fc.jsonValue({ maxDepth: 3 }));
const short = fc.record(
  {
    to: fc.constantFrom<string | string[]>("ship1", ["ship1", "ship2"], "class=tanker and not ship*", [
      "@north",
      "all",
    ]),
    command: fc.constant("shellcommand"),
    domain: fc.constant("os"),
    data,
    deliverBy: fc.constantFrom("2h", "never", null, "500ms"),
    timeout: fc.constant("30s"),
  },
  { requiredKeys: ["to", "command", "domain", "data"] },
);
const long = fc.record({
  subject: fc.oneof(
    fc.constant("ship1.command.shellcommand.os"),
    fc.constant({ node: "ship1", messageType: "command", method: "shellcommand", domain: "os" }),
  ),
  message: fc.record({ data }),
});
const messages = fc.oneof(short, long, fc.array(fc.oneof(short, long), { minLength: 1, maxLength: 3 }));

/** Anchors and aliases, nested or long: the bombs of YAML, mostly too small to go off. */
const aliases = fc
  .record({
    width: fc.nat({ max: 12 }),
    levels: fc.nat({ max: 9 }),
    text: fc.constantFrom("x", "y".repeat(3000), "{}"),
  })
  .map(({ width, levels, text }) => {
    const lines = [`to: ship1`, `command: shellcommand`, `domain: os`, `data:`, `  - &a0 ${text}`];
    for (let level = 1; level <= levels; level++)
      lines.push(`  - &a${level} [${Array.from({ length: width }, () => `*a${level - 1}`).join(",")}]`);
    return `${lines.join("\n")}\n`;
  });

export const messageFiles: Target = {
  name: "messages",
  about: "the content of a file in the drop folder, of inmsg.txt and of `steward send`, as YAML and as JSON",
  runs: 500,
  input: fc.oneof(
    { weight: 3, arbitrary: damagedText(messages.map((value) => JSON.stringify(value))) },
    { weight: 3, arbitrary: damagedText(messages.map((value) => stringify(value))) },
    { weight: 3, arbitrary: twisted(messages).map((text) => new Uint8Array(Buffer.from(text))) },
    { weight: 1, arbitrary: damagedText(aliases) },
  ),
  check(input) {
    const text = Buffer.from(input).toString("utf8");
    for (const name of ["a.yaml", "a.json"]) checkFile(text, name);
  },
};

function checkFile(text: string, name: string): void {
  let drafts: ReturnType<typeof parseMessages>;
  try {
    drafts = parseMessages(text, { name });
  } catch (thrown) {
    if (!(thrown instanceof StewardError)) throw thrown;
    insist(thrown.code === "message-invalid", `${name} refused with ${thrown.code}`);
    for (const line of thrown.message.split("\n")) if (line !== "") insistLine(line, "a fault of a file");
    insist(thrown.message.includes(name), "a fault names its file");
    return;
  }
  insist(drafts.length > 0 && drafts.length <= 10_000, "a file has at least one message, and a bounded number of them");
  let bytes = 0;
  for (const draft of drafts) {
    parseSubject(draft.to === undefined ? draft.subject : `ship1.${draft.subject}`);
    if (draft.to !== undefined) insist(parseTarget(draft.to).length > 0, "a target reads");
    insist(depthOf(draft.data) <= DEEPEST, "nesting is bounded");
    insistFinite([draft.data, draft.deliverBy ?? 0, draft.timeout ?? 1]);
    insist((draft.deliverBy ?? 0) >= 0 && (draft.timeout ?? 1) >= 0, "times are not negative");
    bytes += itemBytes(draft.data);
  }
  insist(bytes <= MOST_SENT, `${text.length} characters became ${bytes} bytes to send`);
  insist(({} as Record<string, unknown>).x === undefined, "a file reached the prototype of all objects");
}

const config = fc.record(
  {
    node: fc.constant("ship1"),
    central: fc.constant("central"),
    broker: fc.constantFrom({ servers: ["nats://127.0.0.1:4222"] }, { embedded: true }),
    data: fc.constant("./var"),
    link: fc.constantFrom("lan", "gsm"),
    hello: fc.constant("10s"),
    subscribe: fc.constant([
      { subject: "command.shellcommand.os", from: ["central"], allow: ["true"], concurrency: 4 },
    ]),
    publish: fc.constant([{ subject: "central.event.syslogforwarding.nginx", syslog: "udp://127.0.0.1:5514" }]),
    nodes: fc.constant(["ship2"]),
    labels: fc.constant({ class: "tanker" }),
    groups: fc.constant({ north: "site=hamburg", all2: ["ship1", "not @north"] }),
    facts: fc.constant({ raid: { run: ["raid", "-v"], every: "10m" } }),
    limits: fc.constant({ messageBytes: "64KB", journalBytes: "1GB" }),
    retention: fc.constant({ age: "30d" }),
    supervision: fc.constant({ intensity: 5, period: "1m", backoff: { min: "1s", max: "1m" } }),
  },
  { requiredKeys: ["node", "broker", "data"] },
);

export const configurations: Target = {
  name: "config",
  about: "the text of steward.yaml, for checkConfig",
  runs: 400,
  input: fc.oneof(
    { weight: 3, arbitrary: damagedText(config.map((value) => stringify(value))) },
    { weight: 2, arbitrary: twisted(config).map((text) => new Uint8Array(Buffer.from(text))) },
    { weight: 1, arbitrary: damagedText(aliases) },
  ),
  check(input) {
    const text = Buffer.from(input).toString("utf8");
    const lines = text.split("\n").length;
    const checked = checkConfig(text, "steward.yaml", {});
    if ("config" in checked) {
      insist(Object.isFrozen(checked.config), "what is compiled is frozen");
      for (const { subject } of checked.config.subscribe) parseSubject(`${checked.config.node}.${subject}`);
      insistFinite([checked.config.limits, checked.config.retention, checked.config.hello]);
      return;
    }
    insist(checked.faults.length > 0 && checked.faults.length <= 101, "what is refused says why, and not without end");
    for (const { line, column, path, message } of checked.faults) {
      insist(line >= 1 && line <= lines && column >= 1, `a fault stands in line ${line}:${column} of ${lines}`);
      insistLine(message, "a fault of steward.yaml", 64 * 1024);
      if (path !== "") insistLine(path, "the path of a fault", 64 * 1024);
    }
  },
};
