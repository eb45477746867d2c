import type { z } from "zod";
import type { Operations } from "../runtime/operate/operations.ts";
import * as request from "./requests.ts";
import * as shape from "./shapes.ts";

/**
 * Every route as data: the server mounts this table and the OpenAPI document is written from it. A handler calls one
 * operation and nothing else, and waits until what it shows is durable.
 */
export interface Route {
  readonly method: "GET" | "POST" | "DELETE";
  /** `{name}` marks a parameter. */
  readonly path: string;
  readonly summary: string;
  readonly params: z.ZodObject;
  readonly query: z.ZodObject;
  /** Present when the route takes JSON. */
  readonly body?: z.ZodType;
  /** The documented answers other than failures. */
  readonly answers: Readonly<Record<number, Answer>>;
  /** Statuses with which it may fail, beside 400 and 500. */
  readonly failures: readonly number[];
  handle(operations: Operations, call: Call<z.ZodObject, z.ZodObject>): Reply | Promise<Reply>;
}

export interface Answer {
  readonly description: string;
  readonly type?: string;
  readonly shape?: z.ZodType;
}

export type Reply =
  | { readonly kind: "json"; readonly status: number; readonly body: unknown }
  | { readonly kind: "text"; readonly status: number; readonly type: string; readonly body: string }
  | { readonly kind: "empty"; readonly status: 204 }
  | { readonly kind: "events"; readonly types: readonly string[] | undefined };

export interface Call<P extends z.ZodObject, Q extends z.ZodObject> {
  readonly params: z.infer<P>;
  readonly query: z.infer<Q>;
  readonly body: unknown;
}

const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

type Spec<P extends z.ZodObject, Q extends z.ZodObject> = Omit<Route, "params" | "query" | "handle" | "failures"> & {
  readonly params?: P;
  readonly query?: Q;
  readonly failures?: readonly number[];
  handle(operations: Operations, call: Call<P, Q>): Reply | Promise<Reply>;
};

function route<P extends z.ZodObject = typeof request.noParams, Q extends z.ZodObject = typeof request.noQuery>(
  spec: Spec<P, Q>,
): Route {
  const { handle, ...rest } = spec;
  return {
    params: request.noParams,
    query: request.noQuery,
    failures: [],
    ...rest,
    // The server parses params and query with these very schemas before it calls.
    handle: (operations, call) => handle(operations, call as unknown as Call<P, Q>),
  };
}

/** Answered once no crash can take it back. */
async function shown(operations: Operations, body: unknown): Promise<Reply> {
  await operations.durable();
  return json(body);
}

const json = (body: unknown, status = 200): Reply => ({ kind: "json", status, body });
const empty: Reply = { kind: "empty", status: 204 };
const ok = (description: string, of: z.ZodType): Record<number, Answer> => ({ 200: { description, shape: of } });

export const ROUTES: readonly Route[] = [
  route({
    method: "POST",
    path: "/v1/messages",
    summary: "Accept messages: one draft or a list, all or nothing; answered once they are durable",
    body: request.drafts,
    answers: { 201: { description: "Accepted, in the order of the drafts", shape: shape.accepted.array() } },
    failures: [403, 404, 413, 415, 422, 503, 507],
    handle: async (operations, { body }) => json(await operations.submit(request.parseDrafts(body)), 201),
  }),
  route({
    method: "GET",
    path: "/v1/messages",
    summary: "Messages, oldest first",
    query: request.messageFilter,
    answers: ok("Messages that pass the filter", shape.messageView.array()),
    failures: [503],
    handle: (operations, { query }) => shown(operations, operations.messages(query)),
  }),
  route({
    method: "GET",
    path: "/v1/messages/{id}",
    summary: "One message with its history, outcome and output",
    params: request.byId,
    answers: ok("The message", shape.messageDetail),
    failures: [404, 409, 503],
    handle: (operations, { params }) => shown(operations, operations.message(params.id)),
  }),
  route({
    method: "POST",
    path: "/v1/messages/{id}/cancel",
    summary: "Ask for a message to be cancelled",
    params: request.byId,
    answers: ok("Done, requested from the node, or too late", shape.cancelAnswer),
    failures: [404, 409, 503],
    handle: async (operations, { params }) => json(await operations.cancel(params.id)),
  }),
  route({
    method: "GET",
    path: "/v1/nodes",
    summary: "All known nodes",
    answers: ok("Nodes", shape.nodeView.array()),
    handle: (operations) => json(operations.nodes()),
  }),
  route({
    method: "GET",
    path: "/v1/nodes/{name}",
    summary: "One node with its lanes and latest changes",
    params: request.byName,
    answers: ok("The node", shape.nodeDetail),
    failures: [404],
    handle: (operations, { params }) => json(operations.node(params.name)),
  }),
  route({
    method: "GET",
    path: "/v1/processes",
    summary: "Processes of this node, or of another one, asked over the wire",
    query: request.processQuery,
    answers: ok("Processes", shape.processList),
    failures: [404, 503],
    handle: async (operations, { query }) => json(await operations.processes(query.node, query.timeout)),
  }),
  route({
    method: "POST",
    path: "/v1/processes/{node}/{subject}/{verb}",
    summary: "Start, stop, restart or revive a process",
    params: request.byProcess,
    answers: ok("The process afterwards", shape.processView),
    failures: [403, 404, 503],
    handle: async (operations, { params }) => json(await operations.control(params.verb, params.node, params.subject)),
  }),
  route({
    method: "GET",
    path: "/v1/dead",
    summary: "Dead letters",
    answers: ok("Dead letters", shape.deadLetter.array()),
    handle: (operations) => json(operations.dead()),
  }),
  route({
    method: "POST",
    path: "/v1/dead/{id}/retry",
    summary: "Send a dead letter's message through its process again",
    params: request.byId,
    answers: { 204: { description: "It is on its way" } },
    failures: [404, 409],
    handle: async (operations, { params }) => {
      await operations.retryDead(params.id);
      return empty;
    },
  }),
  route({
    method: "DELETE",
    path: "/v1/dead/{id}",
    summary: "Drop a dead letter for good",
    params: request.byId,
    answers: { 204: { description: "It is gone" } },
    failures: [404, 409],
    handle: async (operations, { params }) => {
      await operations.dropDead(params.id);
      return empty;
    },
  }),
  route({
    method: "GET",
    path: "/v1/alerts",
    summary: "What went wrong and was not cleared, the latest first; at central of all nodes",
    answers: ok("Alerts", shape.alertView.array()),
    failures: [503],
    handle: (operations) => shown(operations, operations.alerts()),
  }),
  route({
    method: "DELETE",
    path: "/v1/alerts/{no}",
    summary: "Clear an alert: it is forgotten until it is raised anew",
    params: request.byNumber,
    answers: { 204: { description: "It is cleared" } },
    failures: [404],
    handle: async (operations, { params }) => {
      await operations.clearAlert(params.no);
      return empty;
    },
  }),
  route({
    method: "GET",
    path: "/v1/logs",
    summary: "The last lines of received logs",
    query: request.logQuery,
    answers: ok("Lines, newest last", shape.logLine.array()),
    failures: [404],
    handle: async (operations, { query }) => json(await operations.logs(query)),
  }),
  route({
    method: "POST",
    path: "/v1/reload",
    summary: "Read the configuration again and apply what changed",
    answers: ok("What changed", shape.reloadAnswer),
    failures: [422],
    handle: async (operations) => json(await operations.reload()),
  }),
  route({
    method: "GET",
    path: "/v1/events",
    summary: "All that happens from now on, as server-sent events; `gap` stands for what a slow client missed",
    query: request.eventQuery,
    answers: { 200: { description: "A stream of happenings", type: "text/event-stream", shape: shape.happening } },
    failures: [503],
    handle: (_operations, { query }) => ({ kind: "events", types: query.types }),
  }),
  route({
    method: "GET",
    path: "/healthz",
    summary: "Whether the daemon is well",
    answers: {
      200: { description: "It is", shape: shape.health },
      503: { description: "It is not", shape: shape.health },
    },
    handle: (operations) => {
      const health = operations.health();
      return json(health, health.ok ? 200 : 503);
    },
  }),
  route({
    method: "GET",
    path: "/metrics",
    summary: "Prometheus text exposition",
    answers: { 200: { description: "Metrics", type: METRICS_TYPE } },
    handle: async (operations) => ({ kind: "text", status: 200, type: METRICS_TYPE, body: await operations.metrics() }),
  }),
];
