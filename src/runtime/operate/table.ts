import { z } from "zod";
import { StewardError } from "../../message/errors.ts";
import type { Role } from "../../security/operators/speaker.ts";
import * as shape from "./operations.ts";
import type { Name, ROUTES, Words } from "./routes.ts";

/**
 * The operations of a running daemon, one entry each, under the name that it has in `ROUTES`. The server mounts this table
 * and checks by it, the OpenAPI document is written from it, and the types of the client and of the implementation follow
 * from it. Failures are StewardErrors.
 */
interface Entry<Path extends string> {
  readonly summary: string;
  /** The least role that may ask for it. */
  readonly needs: Role;
  /** A schema for each `{word}` of the path. */
  readonly params?: { readonly [Word in Words<Path>[number]]: z.ZodType };
  readonly query?: Path extends `GET ${string}` ? z.ZodObject : never;
  readonly body?: Path extends `POST ${string}` ? Body : never;
  readonly answer: Answer;
  /** Statuses of failures, beside 400, 401, 403 and 500. */
  readonly failures?: readonly number[];
}

interface Body {
  /** The schema of the document. */
  readonly shape: z.ZodType;
  /** Parses a body, with better error texts than the schema alone has. */
  readonly read: (body: unknown) => unknown;
}

export interface Answer {
  readonly kind: "json" | "none" | "text" | "stream";
  readonly description: string;
  readonly status: number;
  readonly type: string;
  readonly shape: z.ZodType;
  /** The daemon is not well: the answer has the same shape, under another status. */
  readonly ill?: { readonly status: number; readonly description: string; readonly is: (answer: never) => boolean };
  /** True for an answer that waits until the state that it shows is durable. */
  readonly durable: boolean;
}

const TEXT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

function json<S extends z.ZodType>(
  description: string,
  of: S,
  more: Partial<Pick<Answer, "status" | "ill" | "durable">> = {},
) {
  const type = "application/json";
  return { kind: "json", description, shape: of, status: 200, type, durable: false, ...more } as const;
}
const none = (description: string) =>
  ({ kind: "none", description, shape: z.void(), status: 204, type: "", durable: false }) as const;

export const TABLE = {
  submit: {
    summary: "Accept messages: one draft or a list, all or nothing; answered once they are durable",
    needs: "operator",
    body: { shape: shape.orders, read: readOrders },
    answer: json("Accepted, in the order of the drafts and of their targets", shape.accepted.array(), { status: 201 }),
    failures: [403, 404, 413, 415, 422, 503, 507],
  },
  messages: {
    summary: "Messages, newest first",
    needs: "viewer",
    query: shape.messageFilter,
    answer: json("Messages that pass the filter", shape.messageView.array(), { durable: true }),
    failures: [503],
  },
  message: {
    summary: "One message with its history, outcome and output",
    needs: "viewer",
    params: shape.byId,
    answer: json("The message", shape.messageDetail, { durable: true }),
    failures: [404, 409, 503],
  },
  cancel: {
    summary: "Ask for a message to be cancelled",
    needs: "operator",
    params: shape.byId,
    answer: json("Done, requested from the node, or too late", shape.cancelAnswer),
    failures: [404, 409, 503],
  },
  jobs: {
    summary: "Jobs, newest first",
    needs: "viewer",
    query: shape.jobQuery,
    answer: json("Jobs that pass the filter", shape.jobView.array(), { durable: true }),
    failures: [503],
  },
  createJob: {
    summary: "Order a job: one command to all nodes of a target, released as its plan says",
    needs: "operator",
    body: { shape: shape.jobOrder, read: reader(shape.jobOrder) },
    answer: json("The job, once it is durable", shape.jobView, { status: 201 }),
    failures: [403, 404, 413, 415, 422, 503, 507],
  },
  planJob: {
    summary: "What a job would do; nothing is sent",
    needs: "viewer",
    body: { shape: shape.jobOrder, read: reader(shape.jobOrder) },
    answer: json("Its nodes and its waves", shape.jobPlanView),
    failures: [404, 413, 415, 422],
  },
  job: {
    summary: "One job: its counts, its waves, and what it waits for",
    needs: "viewer",
    params: shape.byId,
    answer: json("The job", shape.jobDetail, { durable: true }),
    failures: [404, 409, 503],
  },
  jobNodes: {
    summary: "The nodes of a job with what became of each: the list behind its counts",
    needs: "viewer",
    params: shape.byId,
    query: shape.jobNodeQuery,
    answer: json("Nodes in the order of the job", shape.jobNode.array(), { durable: true }),
    failures: [404, 409, 503],
  },
  jobResults: {
    summary: "The outputs of a job, equal ones once with their nodes, most frequent first",
    needs: "viewer",
    params: shape.byId,
    answer: json("Outputs", shape.jobResult.array(), { durable: true }),
    failures: [404, 409, 503],
  },
  retryJob: {
    summary: "Another attempt on some of the nodes of a job",
    needs: "operator",
    params: shape.byId,
    body: { shape: shape.retryOrder, read: reader(shape.retryOrder) },
    answer: json("The job", shape.jobView),
    failures: [404, 409, 413, 415, 422, 503, 507],
  },
  steerJob: {
    summary: "Start, approve, pause, resume, promote, abort or cancel a job",
    needs: "operator",
    params: shape.byJobVerb,
    body: { shape: shape.nothing, read: reader(shape.nothing) },
    answer: json("The job, and what was said of each message that was asked back", shape.steered),
    failures: [404, 409, 413, 415, 503],
  },
  nodes: {
    summary: "All known nodes, by name",
    needs: "viewer",
    query: shape.nodeQuery,
    answer: json("Nodes", shape.nodeView.array()),
  },
  node: {
    summary: "One node with its lanes and latest changes",
    needs: "viewer",
    params: shape.byName,
    answer: json("The node", shape.nodeDetail),
    failures: [404],
  },
  history: {
    summary: "What the states of nodes were, for timelines; at central. Without a node: one region of all",
    needs: "viewer",
    query: shape.historyQuery,
    answer: json("The states by node and region", shape.historyView),
    failures: [404],
  },
  facts: {
    summary: "The facts of a node, and what changed",
    needs: "viewer",
    params: shape.byName,
    answer: json("The facts", shape.factsView),
    failures: [404],
  },
  labels: {
    summary: "The labels of a node, with whose word each is",
    needs: "viewer",
    params: shape.byName,
    answer: json("The labels", shape.labelView),
    failures: [404],
  },
  label: {
    summary: "Give labels to nodes, or take them back; at central",
    needs: "admin",
    body: { shape: shape.labelOrder, read: reader(shape.labelOrder) },
    answer: json("The labels of each node", shape.labelView.array()),
    failures: [403, 404, 413, 415, 422, 503, 507],
  },
  queue: {
    summary: "What waits for a node, in the order in which it is sent",
    needs: "viewer",
    params: shape.byName,
    query: shape.queueQuery,
    answer: json("The queue", shape.queueView),
    failures: [404],
  },
  holds: {
    summary: "The nodes that are held for maintenance",
    needs: "viewer",
    answer: json("Holds, by the names of their nodes", shape.holdView.array(), { durable: true }),
    failures: [503],
  },
  hold: {
    summary: "Hold delivery to nodes for maintenance, or change the end of a hold; at central",
    needs: "operator",
    body: { shape: shape.holdOrder, read: reader(shape.holdOrder) },
    answer: json("The hold of each node, and what waits for it", shape.holdView.array()),
    failures: [403, 404, 413, 415, 422, 503, 507],
  },
  unhold: {
    summary: "Deliver to nodes again; at central",
    needs: "operator",
    body: { shape: shape.releaseOrder, read: reader(shape.releaseOrder) },
    answer: json("The nodes that were held", z.array(z.string())),
    failures: [403, 404, 413, 415, 422, 503, 507],
  },
  resolve: {
    summary: "The nodes that a target means; nothing is sent",
    needs: "viewer",
    body: { shape: shape.targetQuestion, read: reader(shape.targetQuestion) },
    answer: json("The nodes", shape.targetView),
    failures: [404, 413, 415, 422],
  },
  processes: {
    summary: "Processes of this node, or of another one, asked over the wire",
    needs: "viewer",
    query: shape.processQuery,
    answer: json("Processes", shape.processList),
    failures: [404, 503],
  },
  control: {
    summary: "Start, stop, restart or revive a process",
    needs: "operator",
    params: shape.byProcess,
    answer: json("The process afterwards", shape.processView),
    failures: [403, 404, 503],
  },
  may: {
    summary:
      "Whether a node would take a message of somebody, and which line of its policy decides; asked of that node",
    needs: "viewer",
    body: { shape: shape.mayQuestion, read: reader(shape.mayQuestion) },
    answer: json("The word of each layer of its policy", shape.mayAnswer),
    failures: [404, 413, 415, 503],
  },
  dead: {
    summary: "Dead letters, by id",
    needs: "viewer",
    query: shape.deadQuery,
    answer: json("Dead letters", shape.deadLetter.array()),
  },
  retryDead: {
    summary: "Send a dead letter's message through its process again",
    needs: "operator",
    params: shape.byId,
    answer: none("It is on its way"),
    failures: [404, 409],
  },
  dropDead: {
    summary: "Drop a dead letter for good",
    needs: "operator",
    params: shape.byId,
    answer: none("It is gone"),
    failures: [404, 409],
  },
  alerts: {
    summary: "What went wrong and was not cleared, the latest first; at central of all nodes",
    needs: "viewer",
    answer: json("Alerts", shape.alertView.array(), { durable: true }),
    failures: [503],
  },
  clearAlert: {
    summary: "Clear an alert: it is forgotten until it is raised anew",
    needs: "operator",
    params: shape.byNumber,
    answer: none("It is cleared"),
    failures: [404],
  },
  openAlerts: {
    summary: "What the rules of `alerts:` have found and is not over, the latest first",
    needs: "viewer",
    answer: json("Open alerts of rules", shape.openAlert.array()),
  },
  testAlert: {
    summary: "Send a test to the destinations of alerts",
    needs: "operator",
    body: { shape: shape.alertTest, read: reader(shape.alertTest) },
    answer: json("The errands, under way", shape.errandView.array()),
    failures: [404, 413, 415, 503],
  },
  mutes: {
    summary: "The nodes that are muted: no rule tells of them",
    needs: "viewer",
    answer: json("Mutes, by the names of their nodes", shape.muteView.array(), { durable: true }),
    failures: [503],
  },
  mute: {
    summary: "Mute nodes: no rule tells of them; at central",
    needs: "operator",
    body: { shape: shape.holdOrder, read: reader(shape.holdOrder) },
    answer: json("The mute of each node", shape.muteView.array()),
    failures: [403, 404, 413, 415, 422, 503, 507],
  },
  unmute: {
    summary: "Let rules tell of nodes again; at central",
    needs: "operator",
    body: { shape: shape.releaseOrder, read: reader(shape.releaseOrder) },
    answer: json("The nodes that were muted", z.array(z.string())),
    failures: [403, 404, 413, 415, 422, 503, 507],
  },
  errands: {
    summary: "Alerts and outcomes that wait for their destinations, the oldest first",
    needs: "viewer",
    answer: json("Errands", shape.errandView.array(), { durable: true }),
    failures: [503],
  },
  retryErrand: {
    summary: "Try an errand again at once",
    needs: "operator",
    params: shape.byId,
    answer: none("It is tried"),
    failures: [404],
  },
  dropErrand: {
    summary: "Give an errand up",
    needs: "operator",
    params: shape.byId,
    answer: none("It is gone"),
    failures: [404],
  },
  trust: {
    summary: "Who is trusted: at central the registry, on an edge what central told it",
    needs: "viewer",
    answer: json("Keys, nodes, invitations", shape.trustView),
    failures: [503],
  },
  invite: {
    summary: "Make a token for each of some machines, all or none; at central only",
    needs: "admin",
    body: { shape: shape.invitationOrder, read: reader(shape.invitationOrder) },
    answer: json("A token each, shown this once", shape.invited.array(), { status: 201 }),
    failures: [403, 404, 409, 413, 415, 422, 503],
  },
  decide: {
    summary: "Accept, reject, revoke or decommission a node, or have it change its keys; at central only",
    needs: "admin",
    params: shape.byDecision,
    body: { shape: shape.choice, read: reader(shape.choice) },
    answer: json("What was done", shape.decision),
    failures: [403, 404, 409, 413, 415, 422, 503],
  },
  audit: {
    summary: "Records of this node's audit: who asked for what, what was decided, and why",
    needs: "viewer",
    query: shape.auditQuery,
    answer: json("Records, oldest first", shape.auditRecord.array(), { durable: true }),
    failures: [503],
  },
  verifyAudit: {
    summary: "Whether a record of the audit was changed, moved or removed",
    needs: "viewer",
    answer: json("The ends of the chain, and its faults", shape.auditChecked, { durable: true }),
    failures: [503],
  },
  searchLogs: {
    summary: "Lines of received logs by node, domain, time and text, the newest; and the volume of the last day",
    needs: "viewer",
    query: shape.logSearch,
    answer: json("Lines, and how far back was looked", shape.logFindings),
  },
  logs: {
    summary: "The last lines of received logs",
    needs: "viewer",
    query: shape.logQuery,
    answer: json("Lines, newest last", shape.logLine.array()),
    failures: [404],
  },
  openPage: {
    summary: "Make a link that logs in at the page, once; on the machine of the daemon alone",
    needs: "viewer",
    answer: json("The link, shown this once", shape.pageLink, { status: 201 }),
    failures: [403, 409],
  },
  issueToken: {
    summary: "Make a token with which another machine may use this API; on the machine of the daemon alone",
    needs: "viewer",
    body: { shape: shape.tokenOrder, read: reader(shape.tokenOrder) },
    answer: json("The token, shown this once", shape.issuedToken, { status: 201 }),
    failures: [403, 409, 413, 415],
  },
  sessions: {
    summary: "Who is logged in at the page, and the tokens that are open",
    needs: "viewer",
    answer: json("Logins, the latest first", shape.sessionView.array()),
  },
  endSession: {
    summary: "End a login or a token; its open pages and streams end with it",
    needs: "viewer",
    params: shape.bySession,
    answer: none("It is ended"),
    failures: [404],
  },
  brokerLogins: {
    summary: "The logins of the broker: accepted nodes and open invitations; none where nodes have no keys",
    needs: "viewer",
    answer: json("Logins, by their public keys", shape.brokerLogin.array()),
  },
  machines: {
    summary: "The state machines of this daemon, as charts to be laid out",
    needs: "viewer",
    answer: json("Machines, read off those that run", shape.machineView.array()),
  },
  reload: {
    summary: "Read the configuration again and apply what changed",
    needs: "admin",
    answer: json("What changed", shape.reloadAnswer),
    failures: [422],
  },
  approvals: {
    summary: "Requests that another operator has to approve",
    needs: "viewer",
    answer: json("Requests, oldest first", shape.approvalView.array(), { durable: true }),
    failures: [503],
  },
  approve: {
    summary: "Let a request go that another operator made",
    needs: "operator",
    params: shape.byId,
    answer: json("The request", shape.approvalView),
    failures: [404, 409, 503, 507],
  },
  refuse: {
    summary: "End a request that waits for an approval",
    needs: "operator",
    params: shape.byId,
    answer: json("The request", shape.approvalView),
    failures: [404, 409, 503],
  },
  operators: {
    summary: "The operators: their public keys, roles and bounds",
    needs: "viewer",
    answer: json("Operators, removed ones too", shape.operatorView.array()),
  },
  addOperator: {
    summary: "Add an operator, or give one another role and other bounds; at central only",
    needs: "admin",
    params: shape.byOperator,
    body: { shape: shape.operatorOrder, read: reader(shape.operatorOrder) },
    answer: json("The operator", shape.operatorView, { status: 201 }),
    failures: [404, 409, 413, 415, 422, 503],
  },
  removeOperator: {
    summary: "Remove an operator: refused from the next request and the next frame on; at central only",
    needs: "admin",
    params: shape.byOperator,
    answer: json("What was cancelled", shape.operatorRemoved),
    failures: [404, 409, 503],
  },
  rekeyOperator: {
    summary: "Give an operator another key, which the present one has signed; at central only",
    needs: "viewer",
    params: shape.byOperator,
    body: { shape: shape.keyOrder, read: reader(shape.keyOrder) },
    answer: json("The operator", shape.operatorView),
    failures: [404, 409, 413, 415, 422, 503],
  },
  whoami: {
    summary: "Who the daemon takes you for, and what you may do",
    needs: "anyone",
    answer: json("The speaker", shape.whoami),
  },
  watch: {
    summary: "All that happens from now on, as server-sent events; `gap` stands for what a slow client missed",
    needs: "viewer",
    query: shape.eventQuery,
    answer: {
      ...json("A stream of happenings", shape.happening),
      kind: "stream",
      type: "text/event-stream",
    },
    failures: [503],
  },
  health: {
    summary: "Whether the daemon is well",
    needs: "anyone",
    answer: json("It is", shape.health, {
      ill: { status: 503, description: "It is not", is: ({ ok }: shape.Health) => !ok },
    }),
  },
  metrics: {
    summary: "Prometheus text exposition",
    needs: "viewer",
    answer: { ...json("Metrics", z.string()), kind: "text", type: TEXT_TYPE },
  },
} as const satisfies { readonly [N in Name]: Entry<(typeof ROUTES)[N]> };

/** An entry of any operation. */
export interface AnyEntry extends Omit<Entry<string>, "params" | "query" | "body"> {
  readonly params?: Readonly<Record<string, z.ZodType>>;
  readonly query?: z.ZodObject;
  readonly body?: Body;
}

type Table = typeof TABLE;
type Params<P, W extends readonly string[]> = {
  readonly [I in keyof W]: W[I] extends keyof P ? (P[W[I]] extends z.ZodType ? z.infer<P[W[I]]> : never) : never;
};
/** The arguments of an operation: the parameters of its path, in its order, then its query or its body. */
type Asked<N extends Name> = [
  ...(Table[N] extends { params: infer P } ? Params<P, Words<(typeof ROUTES)[N]>> : []),
  ...(Table[N] extends { query: infer Q extends z.ZodType } ? [query?: shape.Shown<Q>] : []),
  ...(Table[N] extends { body: { read: (body: unknown) => infer B } } ? [body: B] : []),
];
type Answered<N extends Name> = shape.Shown<Table[N]["answer"]["shape"]>;
type Streams = { [N in Name]: Table[N]["answer"]["kind"] extends "stream" ? N : never }[Name];

/** The daemon implements this: the compiler refuses an entry without implementation. */
export type Operations = {
  [N in Exclude<Name, Streams>]: (...asked: Asked<N>) => Answered<N> | Promise<Answered<N>>;
} & {
  /** Calls `listener` for each item from now on, until the returned function is called. */
  [N in Streams]: (listener: (item: Answered<N>) => void) => () => void;
} & {
  /** Resolves when the state that was shown until now is durable. */
  durable(): Promise<void>;
};

/** One item of a stream, or a gap: the number of items that its reader was too slow for. */
export type Item<N extends Streams = Streams> = Answered<N> | ({ readonly type: "gap" } & shape.Gap);

/** The operations as a client has them. A stream is open, so that nothing is missed, once its promise resolves. */
export type Client = {
  readonly [N in Exclude<Name, Streams>]: (...asked: Asked<N>) => Promise<Answered<N>>;
} & {
  readonly [N in Streams]: (...asked: [...Asked<N>, signal?: AbortSignal]) => Promise<AsyncIterableIterator<Item<N>>>;
};

/** Reads a body by its schema; an error names the field of every fault, the first ten of them. */
function reader<S extends z.ZodType>(schema: S): (body: unknown) => shape.Shown<S> {
  return (body) => {
    const parsed = schema.safeParse(body);
    if (parsed.success) return parsed.data as shape.Shown<S>;
    throw new StewardError("request-invalid", { fault: faultsOf(parsed.error) });
  };
}

/** A draft or a list of them; an error names the message and the field of every fault, the first ten of them. */
function readOrders(body: unknown): readonly shape.Order[] {
  const list: unknown[] = Array.isArray(body) ? body : [body];
  if (list.length === 0) throw new StewardError("message-invalid", { where: "list", fault: "it is empty" });
  insistCount(list.length);
  return list.map((item, i) => {
    const parsed = shape.order.safeParse(item);
    if (parsed.success) return parsed.data;
    throw new StewardError("message-invalid", { where: String(i + 1), fault: faultsOf(parsed.error) });
  });
}

/** @throws StewardError `message-invalid` for too many messages at once */
export function insistCount(count: number): void {
  if (count <= shape.LIMITS.drafts) return;
  const fault = `it holds ${count} messages, ${shape.LIMITS.drafts} are allowed`;
  throw new StewardError("message-invalid", { where: "list", fault });
}

/** All faults in one line: `deliverBy: expected number; colour: …`. */
export function faultsOf(error: z.ZodError): string {
  const faults = error.issues.slice(0, 10).map((issue) => {
    const path = issue.path.join(".");
    const fault = issue.message.charAt(0).toLowerCase() + issue.message.slice(1);
    return path === "" ? fault : `${path}: ${fault}`;
  });
  const more = error.issues.length - faults.length;
  return more > 0 ? `${faults.join("; ")}; and ${more} more` : faults.join("; ");
}
