import { z } from "zod";
import { bodyOf, type Entries, json } from "./entry.ts";
import { byId, count, milliseconds, name, operatorRole, opt, type Shown, text, thing, time } from "./shape.ts";

const byOperator = { name };

const approvalView = thing({
  id: text.describe("The id of its first message: any of them names the request"),
  operator: text.describe("Who asked for it"),
  subject: text.describe("<command|event>.<method>.<domain>"),
  nodes: z.array(text),
  askedAt: time,
  endsAt: time.nullable().describe("It ends as expired then, unless it was decided on"),
  summary: text.describe("One line of its data"),
});

const operatorOrder = z.strictObject({
  key: opt(text.max(100).describe("The public key of the person, U…; absent: the one that the operator has")),
  role: operatorRole,
  on: opt(text.max(10_000).describe("The nodes: a target over the labels given at central; absent: all")),
  methods: opt(z.array(text.max(130)).max(100).describe("<method> or <method>.<domain>, a star for any; absent: all")),
  replace: opt(z.boolean().describe("Change the role and the bounds of an operator who is there")),
});

const keyOrder = z.strictObject({
  key: text.max(100).describe("The new public key, U…"),
  signature: text.max(100).describe("The signature of the present key on it: docs/operators.md"),
});

const operatorView = thing({
  name: text,
  key: text,
  role: operatorRole,
  on: opt(text),
  methods: opt(z.array(text)),
  standing: z.enum(["accepted", "removed"]),
  since: time,
  by: text,
  formerKeys: count.describe("How many keys the operator had before"),
});

const operatorRemoved = thing({
  name: text,
  cancelled: count.describe("Messages of the operator that had not been sent: cancelled"),
});

const whoami = thing({
  name: text.describe("As audit and history name you: OPERATOR@NODE, or local for the users of the socket"),
  node: text.describe("The node whose daemon answers"),
  role: z.enum(["anyone", "viewer", "operator", "admin"]).describe("anyone: no role at all"),
  by: z.enum(["socket", "signature", "session", "token"]).describe("How the daemon knows"),
  operator: opt(text),
  on: opt(text.describe("The nodes that you may send to: a target over the labels given at central; absent: all")),
  methods: opt(z.array(text).describe("The methods that you may use; absent: all")),
  signFor: milliseconds.describe("How long a command waits that names no deadline, and so a statement on it holds"),
});

/** People: their keys, roles and approvals. */
export const OPERATORS = {
  approvals: {
    summary: "Requests that another operator has to approve",
    needs: "viewer",
    answer: json("Requests, oldest first", approvalView.array(), { durable: true }),
    failures: [503],
  },
  approve: {
    summary: "Let a request go that another operator made",
    needs: "operator",
    params: byId,
    answer: json("The request", approvalView),
    failures: [404, 409, 503, 507],
  },
  refuse: {
    summary: "End a request that waits for an approval",
    needs: "operator",
    params: byId,
    answer: json("The request", approvalView),
    failures: [404, 409, 503],
  },
  operators: {
    summary: "The operators: their public keys, roles and bounds",
    needs: "viewer",
    answer: json("Operators, removed ones too", operatorView.array()),
  },
  addOperator: {
    summary: "Add an operator, or give one another role and other bounds; at central only",
    needs: "admin",
    params: byOperator,
    body: bodyOf(operatorOrder),
    answer: json("The operator", operatorView, { status: 201 }),
    failures: [404, 409, 413, 415, 422, 503],
  },
  removeOperator: {
    summary: "Remove an operator: refused from the next request and the next frame on; at central only",
    needs: "admin",
    params: byOperator,
    answer: json("What was cancelled", operatorRemoved),
    failures: [404, 409, 503],
  },
  rekeyOperator: {
    summary: "Give an operator another key, which the present one has signed; at central only",
    needs: "viewer",
    params: byOperator,
    body: bodyOf(keyOrder),
    answer: json("The operator", operatorView),
    failures: [404, 409, 413, 415, 422, 503],
  },
  whoami: {
    summary: "Who the daemon takes you for, and what you may do",
    needs: "anyone",
    answer: json("The speaker", whoami),
  },
} as const satisfies Entries;

export type ApprovalView = Shown<typeof approvalView>;
export type OperatorOrderOf = Shown<typeof operatorOrder>;
export type KeyOrder = Shown<typeof keyOrder>;
export type OperatorView = Shown<typeof operatorView>;
export type OperatorRemoved = Shown<typeof operatorRemoved>;
export type WhoAmI = Shown<typeof whoami>;
