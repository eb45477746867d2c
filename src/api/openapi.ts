import { z } from "zod";
import { LIMITS } from "./requests.ts";
import { ROUTES, type Route } from "./routes.ts";
import { failure, NAMED } from "./shapes.ts";

type JsonSchema = Record<string, unknown>;

const names = new Map<z.ZodType, string>(Object.entries(NAMED).map(([name, schema]) => [schema, name]));

/** The OpenAPI 3.1 document of the API, written from the route table and the schemas that do the checking. */
export function openApiDocument(version: string): JsonSchema {
  const paths: Record<string, Record<string, JsonSchema>> = {};
  for (const route of ROUTES) {
    const path = paths[route.path] ?? {};
    path[route.method.toLowerCase()] = operation(route);
    paths[route.path] = path;
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

function operation(route: Route): JsonSchema {
  const responses: Record<string, JsonSchema> = {};
  for (const [status, answer] of Object.entries(route.answers)) {
    const type = answer.type ?? "application/json";
    const content = answer.shape
      ? { [type]: { schema: named(answer.shape) } }
      : answer.type
        ? { [type]: { schema: { type: "string" } } }
        : undefined;
    responses[status] = { description: answer.description, ...(content ? { content } : {}) };
  }
  for (const status of [400, 500, ...route.failures]) {
    responses[status] ??= {
      description: "Refused or failed",
      content: { "application/json": { schema: named(failure) } },
    };
  }
  return {
    operationId: operationId(route),
    summary: route.summary,
    parameters: [...parameters(route.params, "path"), ...parameters(route.query, "query")],
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            description: `At most ${LIMITS.bodyBytes} bytes, nested at most ${LIMITS.nesting} levels`,
            content: { "application/json": { schema: plain(route.body, "input") } },
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

/** `getV1MessagesId`: unique, stable, a valid identifier. */
function operationId(route: Route): string {
  const words = route.path.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  return route.method.toLowerCase() + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}
