import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { openApiDocument } from "../../src/api/openapi.ts";
import { ROUTES } from "../../src/runtime/operate/routes.ts";
import { type ApiRoom, apiRoom, JSON_TYPE } from "./api-room.ts";

interface Operation {
  operationId: string;
  parameters: { name: string; in: string; required: boolean; schema: object }[];
  requestBody?: { content: Record<string, { schema: object }> };
  responses: Record<string, { content?: Record<string, { schema: object }> }>;
}
interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
}

/** Somebody relies on these: a route may come, and none may go. */
const PROMISED = [
  "DELETE /v1/alerts/{no}",
  "DELETE /v1/dead/{id}",
  "GET /healthz",
  "GET /metrics",
  "GET /v1/alerts",
  "GET /v1/broker/logins",
  "GET /v1/dead",
  "GET /v1/events",
  "GET /v1/logs",
  "GET /v1/messages",
  "GET /v1/messages/{id}",
  "GET /v1/nodes",
  "GET /v1/nodes/{name}",
  "GET /v1/processes",
  "POST /v1/dead/{id}/retry",
  "POST /v1/messages",
  "POST /v1/messages/{id}/cancel",
  "POST /v1/processes/{node}/{subject}/{verb}",
  "POST /v1/reload",
];

describe("the OpenAPI document", () => {
  let room: ApiRoom;
  let document: Document;
  beforeEach(async () => {
    room = await apiRoom();
    const answer = await room.ask("GET", "/openapi.json");
    expect(answer.headers["content-type"]).toBe("application/json");
    document = JSON.parse(answer.text);
  });
  afterEach(() => room.end());

  const operations = (): [string, string, Operation][] =>
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]): [string, string, Operation] => [method, path, operation]),
    );

  /** A schema of the document as a check, its references resolved against the document. */
  const check = (schema: object): z.ZodType =>
    z.fromJSONSchema({ ...schema, $defs: document.components.schemas, ...refs(schema) } as never);
  const refs = (schema: object): object =>
    JSON.parse(JSON.stringify(schema).replaceAll("#/components/schemas/", "#/$defs/"));

  test("lists every route, each under an operation id of its own", () => {
    expect(document.openapi).toBe("3.1.0");
    const listed = operations().map(([method, path]) => `${method.toUpperCase()} ${path}`);
    expect(listed.sort()).toEqual(Object.values(ROUTES).sort());
    expect(listed).toEqual(expect.arrayContaining(PROMISED));
    const ids = operations().map(([, , operation]) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("declares every parameter of a path, and every reference leads somewhere", () => {
    for (const [, path, operation] of operations()) {
      const inPath = operation.parameters.filter((parameter) => parameter.in === "path");
      expect(inPath.map((parameter) => `{${parameter.name}}`).sort()).toEqual((path.match(/\{\w+\}/g) ?? []).sort());
      expect(inPath.every((parameter) => parameter.required)).toBe(true);
    }
    for (const [, name] of JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      expect(document.components.schemas).toHaveProperty(name ?? "");
    }
    expect(JSON.stringify(document)).not.toContain("$schema");
  });

  test("the answer of every route is what the document says, failures too", async () => {
    const { operations: fake } = room;
    const id = fake.messageList[0]?.id ?? "";
    const dead = fake.deadList[0]?.id ?? "";
    const real: Record<string, [path: string, body?: string]> = {
      "post /v1/messages": ["/v1/messages", JSON.stringify({ subject: "ship1.command.m.d", data: 1 })],
      "get /v1/messages/{id}": [`/v1/messages/${id}`],
      "post /v1/messages/{id}/cancel": [`/v1/messages/${id}/cancel`],
      "get /v1/nodes/{name}": ["/v1/nodes/ship1"],
      "post /v1/processes/{node}/{subject}/{verb}": ["/v1/processes/ship1/ship1.command.shellcommand.nginx/stop"],
      "post /v1/dead/{id}/retry": [`/v1/dead/${dead}/retry`],
      "delete /v1/dead/{id}": ["/v1/dead/unknown"],
    };
    for (const [method, path, operation] of operations()) {
      if (path === "/v1/events") continue;
      const [url, body] = real[`${method} ${path}`] ?? [path];
      const answer = await room.ask(method.toUpperCase(), url, body, body === undefined ? {} : JSON_TYPE);
      const documented = operation.responses[String(answer.status)];
      expect(documented, `${method} ${path} answers ${answer.status}`).toBeDefined();
      if (documented?.content === undefined) {
        expect(answer.text).toBe("");
        continue;
      }
      const { schema } = documented.content[answer.headers["content-type"] ?? ""] ?? {};
      expect(schema, `${method} ${path} ${answer.headers["content-type"]}`).toBeDefined();
      if (answer.headers["content-type"]?.startsWith("text/plain")) continue;
      const result = check(schema ?? {}).safeParse(JSON.parse(answer.text));
      expect(result.error, `${method} ${path}`).toBeUndefined();
    }
  });

  test("the check that this test makes refuses what is not documented", () => {
    const schema = { type: "array", items: { $ref: "#/components/schemas/LogLine" } };
    expect(check(schema).safeParse([{ node: "n", domain: "d", line: "l" }]).success).toBe(true);
    expect(check(schema).safeParse([{ node: "n", domain: "d" }]).success).toBe(false);
    expect(check(schema).safeParse([{ node: "n", domain: "d", line: "l", more: 1 }]).success).toBe(false);
  });

  test("is the same each time it is written", () => {
    expect(openApiDocument("1")).toEqual(openApiDocument("1"));
  });
});
