import { join } from "node:path";
import fc from "fast-check";
import { openApi } from "../../../src/api/server.ts";
import { SseReader } from "../../../src/api/sse-reader.ts";
import { CATALOGUE } from "../../../src/message/errors.ts";
import { systemClock } from "../../../src/platform/system-clock.ts";
import { fakeOperations, openDoor } from "../../harness/fake-operations.ts";
import { damagedText } from "../damage.ts";
import { exchange } from "../exchange.ts";
import { insist, insistSame, type Room, type Target } from "../target.ts";
import { twisted } from "../twist.ts";
import { temporaryRoom } from "./runner.ts";

/** Whatever comes over the daemon's socket, and what comes back over it. */
const SOCKET = "s.sock";

const draft = fc.constantFrom<unknown>(
  { subject: "ship1.command.shellcommand.os", data: ["true"], deliverBy: 5000, timeout: 3, knownNodesOnly: true },
  [{ subject: "central.event.note.x", data: null, deliverBy: null }],
);
const paths = fc.constantFrom(
  "GET /v1/messages?node=ship1&state=failed&limit=5&open=true",
  "GET /v1/messages/01ABC",
  "POST /v1/messages/01ABC/cancel",
  "GET /v1/nodes",
  "GET /v1/nodes/ship1",
  "GET /v1/processes?node=ship1&timeout=5",
  "POST /v1/processes/ship1/command.echo.os/restart",
  "GET /v1/dead",
  "POST /v1/dead/01ABC/retry",
  "DELETE /v1/dead/01ABC",
  "GET /v1/logs?node=ship1&lines=5",
  "POST /v1/reload",
  "GET /healthz",
  "HEAD /metrics",
  "OPTIONS /openapi.json",
  "GET /v1/events?types=node,nope",
);
const plain = paths.map((path) => `${path} HTTP/1.1\r\nHost: steward\r\nConnection: close\r\n\r\n`);
const posted = twisted(draft).map(
  (body) =>
    `POST /v1/messages HTTP/1.1\r\nHost: steward\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
);

export const apiRequests: Target = {
  name: "api",
  about: "the bytes of a connection to the local API",
  runs: 600,
  input: fc.oneof(
    { weight: 2, arbitrary: damagedText(plain) },
    { weight: 1, arbitrary: damagedText(posted) },
    { weight: 2, arbitrary: posted.map((text) => new Uint8Array(Buffer.from(text))) },
  ),
  open: apiRoom,
  async check(input, room) {
    const before = Object.keys(Object.prototype).length;
    const answer = await exchange(join(room.directory, SOCKET), input);
    // It waits for more, or hung up on what was no request: both are an answer.
    if (answer !== "") insistAnswer(answer);
    insist(Object.keys(Object.prototype).length === before, "a request reached the prototype of all objects");
    const alive = await exchange(
      join(room.directory, SOCKET),
      Buffer.from("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
    );
    insist(alive.startsWith("HTTP/1.1 200 "), `afterwards the API answers ${alive.slice(0, 100)}`);
  },
};

function insistAnswer(answer: string): void {
  const [, code = ""] = /^HTTP\/1\.1 (\d{3}) /.exec(answer) ?? [];
  insist(code !== "" && code !== "500", `the API answers ${answer.slice(0, 400)}`);
  const body = answer.slice(answer.indexOf("\r\n\r\n") + 4);
  if (Number(code) < 400 || !body.startsWith("{")) return;
  const [, error = ""] = /"error":\{"code":"([\w-]+)"/.exec(body) ?? [];
  if (body.includes('"error"')) insist(Object.hasOwn(CATALOGUE, error), `the API fails with ${body.slice(0, 200)}`);
}

async function apiRoom(): Promise<Room> {
  const room = await temporaryRoom();
  const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
  const operations = fakeOperations();
  const path = join(room.directory, SOCKET);
  const api = await openApi({
    daemon: { header: "central" },
    operations,
    reception: openDoor(operations),
    path,
    clock: systemClock,
    log: quiet,
  }).catch(async (error) => {
    await room.close();
    throw error;
  });
  return {
    ...room,
    close: async () => {
      await api.stop();
      await room.close();
    },
  };
}

const stream = fc
  .array(fc.tuple(fc.constantFrom("message", "node"), fc.jsonValue({ maxDepth: 1 })), { maxLength: 4 })
  .map((events) => events.map(([event, data]) => `event: ${event}\nid: 1\ndata: ${JSON.stringify(data)}\n\n`).join(""));

export const eventStreams: Target = {
  name: "events",
  about: "the text of a stream of server-sent events, as a client reads it",
  runs: 400,
  input: damagedText(stream),
  check(input) {
    const text = Buffer.from(input).toString("utf8");
    const pieces = new SseReader();
    insistSame(
      [...text].flatMap((character) => pieces.push(character)),
      new SseReader().push(text),
      "the events of single characters",
    );
  },
};
