import { type IncomingMessage, request } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { STREAM_LIMITS } from "../../src/api/event-streams.ts";
import { type ServerSentEvent, SseReader } from "../../src/api/sse-reader.ts";
import type { Happening } from "../../src/message/happening.ts";
import { LIMITS } from "../../src/runtime/operate/table/shape.ts";
import type { Item } from "../../src/runtime/operate/table.ts";
import { settle } from "../harness/clock.ts";
import { type ApiRoom, apiRoom } from "./api-room.ts";

const nodeEvent = (to: string): Happening => ({
  type: "node",
  at: 1,
  name: "ship1",
  region: "link",
  from: "x",
  to,
  cause: "c",
});
const logEvent = (text: string): Happening => ({
  type: "log",
  at: 1,
  node: "ship1",
  method: "m",
  domain: "d",
  lines: [text],
});

describe("the stream of events", () => {
  let room: ApiRoom;
  beforeEach(async () => {
    room = await apiRoom();
  });
  afterEach(() => room.end());

  /** A stream that is not read until somebody asks. */
  const openRaw = (path = "/v1/events", headers: Record<string, string> = {}): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const sent = request(
        { socketPath: room.socket, path, headers: { host: "steward", ...headers }, agent: false },
        resolve,
      );
      sent.on("error", reject);
      sent.end();
    });

  /** Reads until `enough` says so, then hangs up. */
  const read = async (
    response: IncomingMessage,
    enough: (all: ServerSentEvent[]) => boolean,
  ): Promise<ServerSentEvent[]> => {
    const reader = new SseReader();
    const all: ServerSentEvent[] = [];
    response.setEncoding("utf8");
    for await (const piece of response as AsyncIterable<string>) {
      all.push(...reader.push(piece));
      if (enough(all)) break;
    }
    response.destroy();
    return all;
  };
  const gone = async (): Promise<void> => {
    for (let i = 0; i < 200 && room.operations.watchers > 0; i++) await settle();
  };

  test("everything that happens after it is open comes, in order, with ids that increase", async () => {
    const response = await openRaw();
    expect(response.headers["content-type"]).toBe("text/event-stream");
    const states = ["late", "offline", "online"];
    for (const state of states) room.operations.emit(nodeEvent(state));
    const events = await read(response, (all) => all.length === 3);
    expect(events.map((event) => JSON.parse(event.data).to)).toEqual(states);
    expect(events.map((event) => event.event)).toEqual(["node", "node", "node"]);
    const ids = events.map((event) => Number(event.id));
    expect(ids).toEqual([...ids].sort((a, b) => a - b));
    expect(new Set(ids).size).toBe(3);
    await gone();
  });

  test("only the types that were asked for come", async () => {
    const response = await openRaw("/v1/events?types=log,alert");
    room.operations.emit(nodeEvent("late"));
    room.operations.emit(logEvent("a\nb\r\nc"));
    room.operations.emit({ type: "alert", at: 1, node: "n", code: "internal", text: "t" });
    const events = await read(response, (all) => all.length === 2);
    expect(events.map((event) => event.event)).toEqual(["log", "alert"]);
    expect(JSON.parse(events[0]?.data ?? "").lines).toEqual(["a\nb\r\nc"]);
    await gone();
  });

  test("an unknown type is refused and names the known ones", async () => {
    const answer = await room.ask("GET", "/v1/events?types=log,gossip");
    expect(answer.status).toBe(400);
    expect(answer.text).toContain("transition");
  });

  test("the daemon's happenings are watched only while somebody listens", async () => {
    expect(room.operations.watchers).toBe(0);
    const stop = new AbortController();
    const items = await room.client.watch({}, stop.signal);
    expect(room.operations.watchers).toBe(1);
    stop.abort();
    expect(await items.next()).toEqual({ done: true, value: undefined });
    await gone();
    expect(room.operations.watchers).toBe(0);
  });

  test("a comment every 15 s keeps a quiet stream alive", async () => {
    const response = await openRaw();
    let text = "";
    response.setEncoding("utf8");
    response.on("data", (piece: string) => {
      text += piece;
    });
    await room.operations.clock.advance(STREAM_LIMITS.heartbeat * 3);
    for (let i = 0; i < 200 && text.split(": heartbeat\n\n").length < 4; i++) await settle();
    expect(text).toBe(`retry: 2000\n\n${": heartbeat\n\n".repeat(3)}`);
    response.destroy();
    await gone();
  });

  test("a client that is too slow is told how many it missed, in their place, and others miss nothing", async () => {
    const stop = new AbortController();
    const slow = await openRaw();
    const quick: Item[] = [];
    const items = await room.client.watch({}, stop.signal);
    const following = (async () => {
      for await (const item of items) quick.push(item);
    })();
    const text = "x".repeat(10_000);
    const total = 3_000;
    for (let i = 0; i < total; i++) {
      room.operations.emit(logEvent(`${i} ${text}`));
      if (i % 20 === 0) await settle();
    }
    const events = await read(slow, (all) => all.at(-1)?.event === "gap");
    const missed: number = JSON.parse(events.at(-1)?.data ?? "").missed;
    const came = events.slice(0, -1);
    expect(missed).toBeGreaterThan(0);
    expect(came.length + missed).toBe(total);
    expect(came.map((event) => Number.parseInt(JSON.parse(event.data).lines[0], 10))).toEqual(came.map((_, i) => i));
    // Bounded: what waited here, and what the kernel and Node buffer for one connection, far less than was sent.
    expect(came.length * text.length).toBeLessThan(4 * STREAM_LIMITS.bytes);
    for (let i = 0; i < 2_000 && quick.length < total; i++) await settle();
    expect(quick).toHaveLength(total);
    expect(quick.some((item) => item.type === "gap")).toBe(false);
    stop.abort();
    await following;
    await gone();
  });

  test("a client that comes back is told that it cannot know what it missed", async () => {
    const response = await openRaw("/v1/events", { "last-event-id": "7" });
    const events = await read(response, (all) => all.length === 1);
    expect(events).toEqual([{ event: "gap", data: '{"missed":null}', id: undefined }]);
    await gone();
  });

  test("streams are bounded in number", async () => {
    const open = await Promise.all(Array.from({ length: LIMITS.streams }, () => openRaw()));
    const answer = await room.ask("GET", "/v1/events");
    expect(answer.status).toBe(503);
    for (const response of open) response.destroy();
    await gone();
  });

  test("stopping ends open streams at once, of clients that do not read too", async () => {
    const quiet = await room.client.watch();
    const stuck = await openRaw();
    for (let i = 0; i < 300; i++) room.operations.emit(logEvent("y".repeat(10_000)));
    const seen: Item[] = [];
    const following = (async () => {
      for await (const item of quiet) seen.push(item);
    })();
    const lost = expect(following).rejects.toMatchObject({ code: "no-daemon" });
    await room.api.stop();
    await lost;
    stuck.destroy();
    await expect(room.client.watch()).rejects.toMatchObject({ code: "no-daemon", exit: 5 });
  });
});

describe("the client's stream", () => {
  let room: ApiRoom;
  beforeEach(async () => {
    room = await apiRoom();
  });
  afterEach(() => room.end());

  test("misses nothing that happens once it is open, and ends when it is told to stop", async () => {
    const stop = new AbortController();
    const seen: string[] = [];
    const items = await room.client.watch({ types: ["message", "alert"] }, stop.signal);
    await room.client.submit([{ subject: "ship1.command.m.d", data: 1 }]);
    for await (const item of items) {
      seen.push(item.type);
      stop.abort();
    }
    expect(seen).toEqual(["message"]);
    await expect(room.client.watch({}, AbortSignal.abort())).rejects.toMatchObject({ code: "no-daemon" });
    for (let i = 0; i < 200 && room.operations.watchers > 0; i++) await settle();
  });
});
