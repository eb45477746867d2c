import { type Context, Hono } from "hono";
import { z } from "zod";
import { StewardError } from "../message/errors.ts";
import { withTimes } from "../message/text/time-words.ts";
import type { Logger } from "../platform/logger.ts";
import { type Name, routeOf } from "../runtime/operate/routes.ts";
import { insistRole } from "../runtime/operate/speak/guard.ts";
import type { ApiRequest, Reception } from "../runtime/operate/speak/reception.ts";
import { type Answer, type AnyEntry, faultsOf } from "../runtime/operate/table/entry.ts";
import { LIMITS } from "../runtime/operate/table/shape.ts";
import { type Operations, TABLE } from "../runtime/operate/table.ts";
import { readBody } from "./body.ts";
import type { EventStreams } from "./event-streams.ts";
import { failureOf, RequestRefused } from "./failure.ts";
import { openApiDocument } from "./openapi.ts";
import type { Exchange } from "./request-listener.ts";

export interface AppOptions {
  /** The daemon's own operations, for what is shown to everybody. */
  readonly operations: Operations;
  /** The door through which each request comes to the operations. */
  readonly reception: Pick<Reception, "admit">;
  readonly streams: EventStreams;
  readonly log: Logger;
  /** Operations that are refused here. */
  readonly withheld?: ReadonlySet<Name>;
}

type Bindings = { Bindings: Exchange };

/** The table of operations as an application: parse, call, answer; every failure becomes its JSON form. */
export function apiApp({
  operations: daemon,
  reception,
  streams,
  log,
  withheld = new Set(),
}: AppOptions): Hono<Bindings> {
  const app = new Hono<Bindings>();
  app.onError((error) => failed(error, log));
  app.notFound((c) => failed(new RequestRefused(404, `there is no ${c.req.path}`), log));

  for (const [name, entry] of Object.entries(TABLE) as [Name, AnyEntry][]) {
    const { method, path, words } = routeOf(name);
    const params = z.object(entry.params ?? {});
    const query = entry.query ?? z.strictObject({});
    app.on(method, mounted(path), async (c) => {
      if (withheld.has(name)) throw new StewardError("socket-only", { path });
      const { operations, speaker, digest, now } = await reception.admit(requestOf(c));
      insistRole(speaker, name);
      const found = parsed(params, c.req.param(), "path");
      const asked = words.map((word) => found[word]);
      const filter = parsed(query, queryOf(c), "query");
      if (entry.answer.kind === "stream") return streamed(c, streams, filter, () => insistRole(now(), name));
      if (entry.query !== undefined) asked.push(filter);
      if (entry.body !== undefined) asked.push(entry.body.read(await readBody(c.env.incoming, LIMITS, digest)));
      // The compiler derives the operation's arguments from the schemas that have just checked them.
      const answer = await (operations[name] as (...asked: unknown[]) => unknown).apply(operations, asked);
      if (entry.answer.durable) await operations.durable();
      return respond(entry.answer, answer);
    });
  }

  let document: string | undefined;
  app.get("/openapi.json", async () => {
    document ??= JSON.stringify(openApiDocument((await daemon.health()).version));
    return new Response(document, { headers: { "content-type": "application/json" } });
  });

  for (const [path, methods] of methodsByPath()) {
    app.all(path, (c) => {
      const response = failed(new RequestRefused(405, `${path} takes ${methods}, not ${c.req.method}`), log);
      response.headers.set("allow", methods);
      return response;
    });
  }
  return app;
}

/** The JSON form of an error; also for requests too broken to reach the application. */
export function failed(thrown: unknown, log: Logger): Response {
  const { status, body, defect } = failureOf(thrown);
  if (defect) log.error({ err: thrown }, "a request to the API failed");
  else log.debug({ status, code: body.error.code, fault: body.error.message }, "a request to the API was refused");
  return jsonResponse(body, status);
}

function streamed(
  c: Context<Bindings>,
  streams: EventStreams,
  { types }: Record<string, unknown>,
  insist: () => void,
): Response {
  if (c.req.method === "HEAD") throw new RequestRefused(405, "a stream has no HEAD");
  const after = c.req.header("last-event-id");
  streams.open(c.env.outgoing, { types: types as readonly string[] | undefined, after, insist });
  // The stream is its own answer, which has begun.
  return new Response(null);
}

function respond({ kind, status, type, ill }: Answer, answer: unknown): Response {
  if (kind === "none") return new Response(null, { status });
  if (kind === "json") return jsonResponse(answer, ill?.is(answer as never) === true ? ill.status : status);
  return new Response(String(answer), { status, headers: { "content-type": type, "cache-control": "no-store" } });
}

function jsonResponse(body: unknown, status: number): Response {
  return new Response(JSON.stringify(withTimes(body)), {
    status,
    headers: { "content-type": "application/json", "cache-control": "no-store" },
  });
}

function parsed<S extends z.ZodObject>(schema: S, values: Record<string, unknown>, where: string): z.infer<S> {
  const result = schema.safeParse(values);
  if (result.success) return result.data;
  throw new RequestRefused(400, `${where}: ${faultsOf(result.error)}`);
}

/** The request line as it came: the path that was signed is not decoded or put in order. */
function requestOf(c: Context<Bindings>): ApiRequest {
  const { method = "", url = "" } = c.env.incoming;
  return { method, url, header: (name) => c.req.header(name) };
}

function queryOf(c: Context<Bindings>): Record<string, string> {
  const query: Record<string, string> = {};
  for (const [name, values] of Object.entries(c.req.queries())) {
    const [value] = values;
    if (values.length > 1) throw new RequestRefused(400, `query: ${name} is given ${values.length} times`);
    if (value !== undefined) query[name] = value;
  }
  return query;
}

function methodsByPath(): Map<string, string> {
  const methods = new Map<string, string>([["/openapi.json", "GET"]]);
  for (const name of Object.keys(TABLE) as Name[]) {
    const { method, path } = routeOf(name);
    const known = methods.get(mounted(path));
    methods.set(mounted(path), known === undefined ? method : `${known}, ${method}`);
  }
  return methods;
}

/** A path as the router takes it. */
function mounted(path: string): string {
  return path.replace(/\{(\w+)\}/g, ":$1");
}
