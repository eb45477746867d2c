import { type IncomingMessage, request } from "node:http";
import { expect, test } from "vitest";
import { RESUME_LIMITS } from "../../../src/api/event-streams.ts";
import { type ServerSentEvent, SseReader } from "../../../src/api/sse-reader.ts";
import { pageRoom } from "./page-room.ts";

/** A stream of a page, whose events can be waited for. */
async function open(room: Awaited<ReturnType<typeof pageRoom>>, cookie: string, after?: string, types = "node,alert") {
  const { port, host } = room;
  const headers = { host, cookie, ...(after === undefined ? {} : { "last-event-id": after }) };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = request(
      { host: "127.0.0.1", port, path: `/v1/events?types=${types}`, headers, agent: false },
      resolve,
    );
    sent.on("error", reject);
    sent.end();
  });
  const reader = new SseReader();
  const all: ServerSentEvent[] = [];
  const waiters = new Set<() => void>();
  response.setEncoding("utf8").on("data", (piece: string) => {
    all.push(...reader.push(piece));
    for (const wake of waiters) wake();
  });
  response.on("error", () => undefined);
  return {
    all,
    close: () => response.destroy(),
    /** Resolves once so many events are there. */
    until: (count: number): Promise<ServerSentEvent[]> =>
      new Promise((resolve) => {
        const look = (): void => {
          if (all.length < count) return;
          waiters.delete(look);
          resolve(all);
        };
        waiters.add(look);
        look();
      }),
  };
}

test("a page that comes back gets what it missed, and is told when that is not all there any more", async () => {
  const room = await pageRoom();
  const { operations, clock } = room;
  const { cookie } = await room.login();
  const alert = (text: string) => operations.emit({ type: "alert", at: 1, node: "ship1", code: "c", text });
  const first = await open(room, cookie);
  await first.until(1);
  alert("one");
  operations.emit({ type: "log", at: 1, node: "ship1", method: "m", domain: "d", lines: ["not asked for"] });
  const [beat, one] = await first.until(2);
  expect(beat).toMatchObject({ event: "heartbeat", id: "life.0" });
  expect(JSON.parse(beat?.data ?? "")).toMatchObject({ asOf: clock.now() });
  expect(one).toMatchObject({ event: "alert", id: "life.1" });
  first.close();
  await clock.advance(RESUME_LIMITS.linger - 1);
  alert("two");
  alert("three");

  const second = await open(room, cookie, one?.id);
  const came = await second.until(3);
  expect(came.map(({ event, id }) => [event, id])).toEqual([
    ["alert", "life.3"],
    ["alert", "life.4"],
    ["heartbeat", "life.4"],
  ]);
  second.close();
  for (const unknown of ["before.1", "life.9", "7", "life.x"]) {
    const third = await open(room, cookie, unknown);
    expect(await third.until(2), unknown).toMatchObject([
      { event: "gap", data: '{"missed":null}' },
      { event: "heartbeat" },
    ]);
    third.close();
  }
  for (let i = 0; i <= RESUME_LIMITS.events; i++) alert("flood");
  const late = await open(room, cookie, "life.4");
  expect((await late.until(1))[0]).toMatchObject({ event: "gap" });
  late.close();
});

test("a page hears a heartbeat every five seconds, and events are not kept for nobody", async () => {
  const room = await pageRoom();
  const { cookie } = await room.login();
  const page = await open(room, cookie);
  await page.until(1);
  await room.clock.advance(10_000);
  expect((await page.until(3)).map(({ event }) => event)).toEqual(["heartbeat", "heartbeat", "heartbeat"]);
  page.close();
  await new Promise<void>((resolve) => {
    const look = (): void => {
      if (room.operations.watchers === 0) resolve();
      else void room.clock.advance(RESUME_LIMITS.linger).then(() => setImmediate(look));
    };
    look();
  });
  const back = await open(room, cookie, "life.0");
  expect((await back.until(1))[0]).toMatchObject({ event: "gap" });
  back.close();
});
