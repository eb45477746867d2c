import { connect } from "node:net";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { deeperThan } from "../../src/api/body.ts";
import { NAMED } from "../../src/api/openapi.ts";
import { LIMITS } from "../../src/runtime/operate/table/shape.ts";
import { type ApiRoom, apiRoom, JSON_TYPE } from "./api-room.ts";

const DRAFT = '{"subject":"ship1.command.m.d","data":1}';

describe("a request's body", () => {
  let room: ApiRoom;
  beforeEach(async () => {
    room = await apiRoom();
  });
  afterEach(() => room.end());

  const post = (body: string | Buffer, headers: Record<string, string> = JSON_TYPE) =>
    room.ask("POST", "/v1/messages", body, headers);
  const alive = async (): Promise<void> => expect((await post(DRAFT)).status).toBe(201);

  /** Writes bytes to the socket, closes the sending side, and gives back whatever comes. */
  const raw = (bytes: string | Buffer): Promise<string> =>
    new Promise((resolve) => {
      const connection = connect({ path: room.socket, allowHalfOpen: true });
      let text = "";
      connection.on("data", (chunk) => {
        text += chunk.toString("latin1");
      });
      connection.on("error", () => undefined);
      connection.on("end", () => connection.end());
      connection.on("close", () => resolve(text));
      connection.end(bytes);
    });

  test.each([
    ["no content type", DRAFT, {}, 415, "content type"],
    ["another content type", DRAFT, { "content-type": "text/plain" }, 415, "text/plain"],
    ["an encoded body", DRAFT, { ...JSON_TYPE, "content-encoding": "gzip" }, 415, "gzip"],
    ["nothing", "", JSON_TYPE, 400, "empty"],
    ["half a document", DRAFT.slice(0, 20), JSON_TYPE, 400, "not JSON"],
    ["two documents", DRAFT + DRAFT, JSON_TYPE, 400, "not JSON"],
    ["bytes that are not UTF-8", Buffer.from([0x22, 0xff, 0xfe, 0x22]), JSON_TYPE, 400, "UTF-8"],
    [
      "a byte of Latin-1, at its place",
      Buffer.from('{"subject":\n"caf\xe9"}', "latin1"),
      JSON_TYPE,
      400,
      "line 2, column 5",
    ],
    [
      "half of a surrogate pair",
      '{"subject":"ship1.command.m.d","data":"\\ud800"}',
      JSON_TYPE,
      400,
      "half of a character",
    ],
    [
      "a key that is given twice",
      '{"subject":"ship1.command.m.d","data":1,\n"data":2}',
      JSON_TYPE,
      400,
      'line 2, column 1: "data" is given twice',
    ],
    [
      "a key that is given twice deep inside",
      '{"subject":"ship1.command.m.d","data":{"a":[{"b":1,"b":2}]}}',
      JSON_TYPE,
      400,
      "given twice",
    ],
    [
      "a number that cannot be kept",
      '{"subject":"ship1.command.m.d","data":12345678901234567890}',
      JSON_TYPE,
      400,
      "too large",
    ],
    ["a number", "7", JSON_TYPE, 400, "expected object"],
    ["null", "null", JSON_TYPE, 400, "expected object"],
    ["brackets nested too deep", "[".repeat(65), JSON_TYPE, 400, "64 levels"],
  ] as const)("%s is refused with its reason", async (_name, body, headers, status, words) => {
    const answer = await post(body as string | Buffer, headers as Record<string, string>);
    expect(answer.status).toBe(status);
    expect(NAMED.Failure.parse(JSON.parse(answer.text)).error.message).toContain(words);
    expect(room.operations.callsOf("submit")).toEqual([]);
    await alive();
  });

  test("content types with parameters, upper case and a byte order mark are taken", async () => {
    expect((await post(DRAFT, { "content-type": "Application/JSON; charset=utf-8" })).status).toBe(201);
    expect((await post(`\uFEFF${DRAFT}`)).status).toBe(201);
  });

  test("a body of just the limit is taken, one byte more is refused with 413", async () => {
    const shell = JSON.stringify({ subject: "ship1.command.m.d", data: "" });
    const fitting = shell.replace('""', `"${"x".repeat(LIMITS.bodyBytes - shell.length)}"`);
    expect((await post(fitting)).status).toBe(201);
    expect((await post(`${fitting} `)).status).toBe(413);
    expect((await post(fitting.repeat(2))).status).toBe(413);
    await alive();
  });

  test("a body announced as huge is refused before it is sent", async () => {
    const head = `POST /v1/messages HTTP/1.1\r\nhost: s\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 99999999999\r\n\r\n`;
    expect(await raw(head)).toMatch(/^HTTP\/1\.1 413 /);
    await alive();
  });

  test("a body of a million messages of brackets is refused without being parsed", async () => {
    expect((await post("[".repeat(8 * 1024 * 1024))).status).toBe(400);
    expect((await post(`[${DRAFT},`.repeat(3))).status).toBe(400);
    await alive();
  });

  test("too many messages at once are refused", async () => {
    const answer = await post(`[${`${DRAFT},`.repeat(LIMITS.drafts)}${DRAFT}]`);
    expect(answer.status).toBe(400);
    expect(answer.text).toContain(String(LIMITS.drafts));
  });

  test("a body that ends too early, and a client that hangs up, disturb nobody", async () => {
    const head =
      "POST /v1/messages HTTP/1.1\r\nhost: s\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n";
    expect(await raw(`${head}{"subject`)).toMatch(/^(HTTP\/1\.1 400 |$)/);
    await new Promise<void>((resolve) => {
      const connection = connect(room.socket, () => connection.write(`${head}{"sub`, () => connection.destroy()));
      connection.on("close", () => resolve());
    });
    expect(room.operations.callsOf("submit")).toEqual([]);
    await alive();
  });

  test("what is not HTTP is answered with 400 and the connection closed", async () => {
    expect(await raw("\x16\x03\x01garbage\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 [\s\S]*"code":"request-invalid"/);
    expect(await raw(`GET / HTTP/1.1\r\nhost: s\r\nx: ${"y".repeat(100_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
    expect(await raw("GET /healthz HTTP/1.1\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 /);
    expect(await raw("GET \\..\\ HTTP/1.1\r\nhost: s\r\nconnection: close\r\n\r\n")).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(await raw("GET /%ff%00 HTTP/1.1\r\nhost: a b\r\nconnection: close\r\n\r\n")).toMatch(/^HTTP\/1\.1 4\d\d /);
    await alive();
  });

  test("a target is a path, or an address of which the path counts; a backslash is never taken for a slash", async () => {
    const get = (target: string) => raw(`GET ${target} HTTP/1.1\r\nhost: s\r\nconnection: close\r\n\r\n`);
    const health = /^HTTP\/1\.1 (200|503) [\s\S]*content-length: \d+\r\n[\s\S]*"ok"/i;
    expect(await get("/healthz")).toMatch(health);
    expect(await get("http://elsewhere/healthz")).toMatch(health);
    expect(await get("/v1\\..\\healthz")).toMatch(/^HTTP\/1\.1 400 [\s\S]*"code":"request-invalid"/);
    expect(await get("//elsewhere/healthz")).toMatch(/^HTTP\/1\.1 404 /);
    await alive();
  });

  test("any bytes at all are answered with 201 or a 4xx of the documented form", async () => {
    const bytes = fc.uint8Array({ maxLength: 2_000 }).map((array) => Buffer.from(array));
    const document = fc.json({ maxDepth: 8 }).map((text) => Buffer.from(text));
    const draft = fc
      .record(
        {
          subject: fc.anything(),
          data: fc.jsonValue(),
          deliverBy: fc.anything(),
          timeout: fc.anything(),
          x: fc.anything(),
        },
        { requiredKeys: [] },
      )
      .map((value) =>
        Buffer.from(JSON.stringify(value, (_key, v) => (typeof v === "bigint" ? String(v) : v)) ?? "null"),
      );
    await fc.assert(
      fc.asyncProperty(fc.oneof(bytes, document, draft), async (body) => {
        const answer = await post(body);
        if (answer.status === 201) return;
        expect(answer.status).toBeGreaterThanOrEqual(400);
        expect(answer.status).toBeLessThan(500);
        NAMED.Failure.parse(JSON.parse(answer.text));
      }),
      { numRuns: 150 },
    );
    expect(room.log.lines.filter((line) => line.level === "error")).toEqual([]);
    await alive();
  });

  test("any path and query are answered with a JSON body and never with a 5xx", async () => {
    const word = fc.oneof(
      fc.string({ unit: "binary", maxLength: 12 }).map(encodeURIComponent),
      fc.constantFrom("v1", "messages", "nodes", "%", "%zz", "..", ""),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 6 }), fc.array(word, { maxLength: 3 }), async (path, query) => {
        const answer = await room.ask("GET", `/${path.join("/")}?${query.join("&")}`);
        expect(answer.status).toBeLessThan(500);
        if (answer.headers["content-type"] === "application/json") JSON.parse(answer.text);
      }),
      { numRuns: 150 },
    );
    await alive();
  });

  test("nesting is counted as JSON.parse would see it", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 12 }), fc.integer({ min: 0, max: 14 }), (value, limit) => {
        expect(deeperThan(JSON.stringify(value), limit)).toBe(depth(value) > limit);
      }),
    );
    expect(deeperThan('{"a\\"[[[[":"[[[["}', 1)).toBe(false);
  });
});

function depth(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depth));
}
