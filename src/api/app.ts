import { type HttpBindings, RequestError } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { type Context, Hono } from "hono";
import type { z } from "zod";
import { withTimes } from "../message/text/time-words.ts";
import type { Logger } from "../platform/logger.ts";
import type { Operations } from "../runtime/operate/operations.ts";
import { readBody } from "./body.ts";
import type { EventStreams } from "./event-streams.ts";
import { failureOf, RequestRefused } from "./failure.ts";
import { openApiDocument } from "./openapi.ts";
import { faultsOf, LIMITS } from "./requests.ts";
import { type Reply, ROUTES, type Route } from "./routes.ts";

type Bindings = { Bindings: HttpBindings };

/** The route table as an application: parse, call, answer; every failure becomes its JSON form. */
export function apiApp(operations: Operations, streams: EventStreams, log: Logger): Hono<Bindings> {
  const app = new Hono<Bindings>();
  app.onError((error) => failed(error, log));
  app.notFound((c) => failed(new RequestRefused(404, `there is no ${c.req.path}`), log));

  for (const route of ROUTES) {
    app.on(route.method, route.path.replace(/\{(\w+)\}/g, ":$1"), async (c) => {
      const params = parsed(route.params, c.req.param(), "path");
      const query = parsed(route.query, queryOf(c), "query");
      const body = route.body === undefined ? undefined : await readBody(c.env.incoming, LIMITS);
      return respond(c, streams, await route.handle(operations, { params, query, body }));
    });
  }

  let document: string | undefined;
  app.get("/openapi.json", () => {
    document ??= JSON.stringify(openApiDocument(operations.health().version));
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

/** The JSON form of anything that was thrown; also for requests too broken to reach the application. */
export function failed(thrown: unknown, log: Logger): Response {
  const { status, body, defect } = failureOf(
    thrown instanceof RequestError ? new RequestRefused(400, thrown.message) : thrown,
  );
  if (defect) log.error({ err: thrown }, "a request to the API failed");
  else log.debug({ status, code: body.error.code, fault: body.error.message }, "a request to the API was refused");
  return jsonResponse(body, status);
}

function respond(c: Context<Bindings>, streams: EventStreams, reply: Reply): Response {
  switch (reply.kind) {
    case "json":
      return jsonResponse(reply.body, reply.status);
    case "text":
      return new Response(reply.body, {
        status: reply.status,
        headers: { "content-type": reply.type, "cache-control": "no-store" },
      });
    case "empty":
      return new Response(null, { status: reply.status });
    case "events":
      if (c.req.method === "HEAD") throw new RequestRefused(405, "a stream has no HEAD");
      streams.open(c.env.outgoing, reply.types, c.req.header("last-event-id") !== undefined);
      return RESPONSE_ALREADY_SENT;
  }
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
  const add = (route: Route): void => {
    const path = route.path.replace(/\{(\w+)\}/g, ":$1");
    const known = methods.get(path);
    methods.set(path, known === undefined ? route.method : `${known}, ${route.method}`);
  };
  ROUTES.forEach(add);
  return methods;
}
