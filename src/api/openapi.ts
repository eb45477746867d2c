import { z } from "zod";
import { type Name, type Route, routeOf } from "../runtime/operate/routes.ts";
import { alertView } from "../runtime/operate/table/alerts.ts";
import { failure, gap, happening, health, reloadAnswer } from "../runtime/operate/table/daemon.ts";
import type { AnyEntry } from "../runtime/operate/table/entry.ts";
import { logLine } from "../runtime/operate/table/logs.ts";
import { accepted, cancelAnswer, deadLetter, messageDetail, messageView } from "../runtime/operate/table/messages.ts";
import { nodeDetail, nodeView } from "../runtime/operate/table/nodes.ts";
import { processList, processView } from "../runtime/operate/table/processes.ts";
import { LIMITS } from "../runtime/operate/table/shape.ts";
import { TABLE } from "../runtime/operate/table.ts";

type JsonSchema = Record<string, unknown>;

/** The shapes by the names that they bear in the document. */
export const NAMED = {
  Accepted: accepted,
  CancelAnswer: cancelAnswer,
  MessageView: messageView,
  MessageDetail: messageDetail,
  NodeView: nodeView,
  NodeDetail: nodeDetail,
  ProcessView: processView,
  ProcessList: processList,
  DeadLetter: deadLetter,
  AlertView: alertView,
  LogLine: logLine,
  ReloadAnswer: reloadAnswer,
  Health: health,
  Happening: happening,
  Gap: gap,
  Failure: failure,
} as const;

const names = new Map<z.ZodType, string>(Object.entries(NAMED).map(([name, schema]) => [schema, name]));

/** The OpenAPI 3.1 document of the API, written from the table of operations and the schemas that do the checking. */
export function openApiDocument(version: string): JsonSchema {
  const paths: Record<string, Record<string, JsonSchema>> = {};
  for (const [name, entry] of Object.entries(TABLE) as [Name, AnyEntry][]) {
    const route = routeOf(name);
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route, entry) };
  }
  return {
    openapi: "3.1.0",
    info: { title: "steward", version, description: "The local API of one steward daemon, over its Unix socket." },
    servers: [{ url: "http://steward" }],
    paths,
    components: {
      schemas: Object.fromEntries(Object.entries(NAMED).map(([name, schema]) => [name, plain(schema, "output")])),
    },
  };
}

function operation(route: Route, entry: AnyEntry): JsonSchema {
  const { answer, failures = [], summary, needs, params, query, body } = entry;
  const { kind, type, status, description, ill } = answer;
  const content = kind === "none" ? {} : { content: { [type]: { schema: named(answer.shape) } } };
  const refused = {
    description: "Refused or failed",
    content: { "application/json": { schema: named(failure) } },
  };
  const responses: Record<string, JsonSchema> = Object.fromEntries(
    [400, 401, ...(needs === "anyone" ? [] : [403]), 500, ...failures].map((code) => [code, refused]),
  );
  responses[status] = { description, ...content };
  if (ill !== undefined) responses[ill.status] = { description: ill.description, ...content };
  return {
    operationId: operationId(route),
    summary,
    description: needs === "anyone" ? "For everybody." : `Needs the role ${needs}.`,
    parameters: [...parameters(z.object(params ?? {}), "path"), ...parameters(query ?? z.object({}), "query")],
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            description: `At most ${LIMITS.bodyBytes} bytes, nested at most ${LIMITS.nesting} levels`,
            content: { "application/json": { schema: plain(body.shape, "input") } },
          },
        }),
    responses,
  };
}

function parameters(schema: z.ZodObject, where: "path" | "query"): JsonSchema[] {
  const { properties = {}, required = [] } = plain(schema, "input") as {
    properties?: Record<string, JsonSchema>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: where,
    required: where === "path" || required.includes(name),
    schema: property,
  }));
}

/** A reference to a shape that has a name, also as the element of a list; else the schema itself. */
function named(schema: z.ZodType): JsonSchema {
  const name = names.get(schema);
  if (name !== undefined) return { $ref: `#/components/schemas/${name}` };
  if (schema instanceof z.ZodArray) return { type: "array", items: named(schema.element as z.ZodType) };
  return plain(schema, "output");
}

function plain(schema: z.ZodType, io: "input" | "output"): JsonSchema {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  return rest;
}

/** An operation id like `getV1MessagesId`: unique, stable, a valid identifier. */
function operationId({ method, path }: Route): string {
  const words = path.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  return method.toLowerCase() + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}
