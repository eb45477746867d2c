import { z } from "zod";
import { bodyOf, type Entries, json } from "./entry.ts";
import { anyJson, atMost, count, flag, looseThing, name, opt, type Shown, text, time } from "./shape.ts";

const mayQuestion = z.strictObject({
  node: name.describe("The node that would receive it"),
  origin: name.describe("The node that would send it"),
  operator: opt(name.describe("The operator whose signature it would carry")),
  subject: text.describe("<command|event>.<method>.<domain>"),
  data: opt(anyJson),
});

const mayAnswer = z.object({
  node: text,
  allowed: z.boolean(),
  words: z
    .array(
      z.object({
        allowed: z.boolean(),
        layer: text.describe("A part of the policy that speaks of the subject: each has to allow it"),
        where: text.describe("The file and line, or the policy and its version, that decided"),
        fault: opt(text),
      }),
    )
    .describe("The word of each layer"),
});

const auditQuery = z.strictObject({
  what: opt(text.describe("submit, decision, operation, trust")),
  by: opt(text.describe("Who asked: a node, an operator, local")),
  subject: opt(text.describe("A part of the subject, or a node that it was for")),
  refused: opt(flag.describe("true: refusals alone; false: all others")),
  since: opt(atMost(8.64e15).describe("Only from then on, ms since 1970")),
  message: opt(text.max(64).describe("A message or a job: its id, or the beginning of it")),
  after: opt(atMost(Number.MAX_SAFE_INTEGER, 0).describe("Only records with a higher number")),
  before: opt(atMost(Number.MAX_SAFE_INTEGER, 0).describe("Only records with a lower number: the page behind them")),
  limit: opt(atMost(100_000).describe("The newest so many; absent: 100")),
});

const auditRecord = looseThing({
  no: count,
  at: time,
  what: text,
  by: text,
  allowed: z.boolean(),
  why: opt(text.describe("The line that decided, or the reason of the refusal")),
  subject: opt(text),
  nodes: opt(z.array(text)),
  ids: opt(z.array(text)),
  arguments: opt(anyJson),
  prev: text.describe("The hash of the record before"),
});

const auditChecked = z.object({
  ok: z.boolean(),
  records: count,
  first: count,
  last: count,
  head: text.describe("The hash of the last record"),
  faults: z.array(z.object({ where: text, fault: text })),
});

/** Permission, and the record of what was decided. */
export const AUDIT = {
  may: {
    summary:
      "Whether a node would take a message of somebody, and which line of its policy decides; asked of that node",
    needs: "viewer",
    body: bodyOf(mayQuestion),
    answer: json("The word of each layer of its policy", mayAnswer),
    failures: [404, 413, 415, 503],
  },
  audit: {
    summary: "Records of this node's audit: who asked for what, what was decided, and why",
    needs: "viewer",
    query: auditQuery,
    answer: json("Records, oldest first", auditRecord.array(), { durable: true }),
    failures: [503],
  },
  verifyAudit: {
    summary: "Whether a record of the audit was changed, moved or removed",
    needs: "viewer",
    answer: json("The ends of the chain, and its faults", auditChecked, { durable: true }),
    failures: [503],
  },
} as const satisfies Entries;

export type MayQuestionTo = z.infer<typeof mayQuestion>;
export type MayAnswerOf = Shown<typeof mayAnswer>;
export type AuditQuery = Shown<typeof auditQuery>;
export type AuditRecordOf = Shown<typeof auditRecord>;
export type AuditChecked = Shown<typeof auditChecked>;
