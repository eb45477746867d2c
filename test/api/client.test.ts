import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openClient } from "../../src/api/client.ts";
import type { Client } from "../../src/runtime/operate/table.ts";
import { SimulatedClock, settle } from "../harness/clock.ts";

describe("the client", () => {
  let directory: string;
  let socket: string;
  let clock: SimulatedClock;
  let client: Client;
  const ends: (() => Promise<void>)[] = [];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "steward-client-"));
    socket = join(directory, "api.sock");
    clock = new SimulatedClock();
    client = openClient({ socket, clock, timeout: 5_000 });
  });
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
    expect(clock.armed).toBe(0);
    await rm(directory, { recursive: true });
  });

  const serve = async (listener: RequestListener): Promise<void> => {
    const server = createServer(listener);
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    ends.push(
      () =>
        new Promise((resolve) => {
          server.close(() => resolve());
          server.closeAllConnections();
        }),
    );
  };

  test("says `no-daemon` with the socket's path when nobody listens", async () => {
    for (const ask of [client.nodes(), client.watch(), client.health(), client.submit([])]) {
      await expect(ask).rejects.toMatchObject({ code: "no-daemon", details: { socket }, exit: 5 });
    }
  });

  test("says `no-daemon` when an answer does not come in time, and when it breaks off", async () => {
    await serve((incoming, outgoing) => {
      if (incoming.url === "/v1/nodes") return;
      outgoing.writeHead(200, { "content-type": "application/json", "content-length": 100 });
      outgoing.write("[", () => outgoing.destroy());
    });
    await expect(client.dead()).rejects.toMatchObject({ code: "no-daemon" });
    const late = expect(client.nodes()).rejects.toMatchObject({ code: "no-daemon" });
    await settle();
    await clock.advance(5_000);
    await late;
  });

  test("says `daemon-silent` with its pid, soon, when a daemon is there and answers nothing at all", async () => {
    await serve(() => undefined);
    await writeFile(join(directory, "daemon.lock"), JSON.stringify({ pid: 4242 }));
    const patient = openClient({ socket, clock });
    const asked = expect(patient.submit([])).rejects.toMatchObject({
      code: "daemon-silent",
      message: `the daemon (pid 4242) at ${socket} has not answered for 7 s`,
      exit: 5,
    });
    await settle();
    await clock.advance(5_000);
    await settle();
    await clock.advance(2_000);
    await asked;
  });

  test("says so within the time that the asker has", async () => {
    await serve(() => undefined);
    const hurried = openClient({ socket, clock, until: clock.monotonic() + 3_000 });
    await clock.advance(1_000);
    const asked = expect(hurried.submit([])).rejects.toMatchObject({ code: "daemon-silent", details: { seconds: 2 } });
    for (let ms = 0; ms < 2_000; ms += 100) {
      await settle();
      await clock.advance(100);
    }
    await asked;
    expect(clock.armed).toBe(0);
  });

  test("waits for an answer that takes long while the daemon answers other questions", async () => {
    let answer: (() => void) | undefined;
    await serve((incoming, outgoing) => {
      outgoing.setHeader("content-type", "application/json");
      if (incoming.url === "/healthz") outgoing.end("{}");
      else answer = () => void outgoing.end("[]");
    });
    const nodes = openClient({ socket, clock }).nodes();
    await expect.poll(() => answer).toBeDefined();
    for (let seconds = 0; seconds < 30; seconds += 5) {
      await clock.advance(5_000);
      await expect.poll(() => clock.armed).toBe(2);
      await settle();
    }
    answer?.();
    expect(await nodes).toEqual([]);
  });

  test("says `api-failed` for an answer that steward would not give", async () => {
    await serve((incoming, outgoing) => {
      outgoing.writeHead(incoming.url === "/v1/nodes" ? 200 : 418, { "content-type": "application/json" });
      outgoing.end(incoming.url === "/v1/nodes" ? "<html>" : '{"error":{"code":"from-the-future","message":"tea"}}');
    });
    await expect(client.nodes()).rejects.toMatchObject({ code: "api-failed", details: { status: 200 } });
    await expect(client.dead()).rejects.toMatchObject({ code: "api-failed", details: { status: 418, fault: "tea" } });
    await expect(client.health()).rejects.toMatchObject({ code: "api-failed" });
  });
});
