import { spawn } from "node:child_process";
import { readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { pino } from "pino";
import { describe, expect, it, onTestFinished } from "vitest";
import { type EmbeddedBroker, startEmbeddedBroker } from "../../src/broker/embedded.ts";
import { openNatsTransport } from "../../src/broker/nats.ts";
import type { Address } from "../../src/broker/nats-dial.ts";
import type { Transport } from "../../src/broker/transport.ts";
import { systemClock, systemRandom } from "../../src/platform/system-clock.ts";
import { bytes, collect, reaches } from "../contract/transport.ts";
import { tempDir } from "../harness/temp.ts";

const quiet = pino({ level: "silent" });

async function start(directory: string, log = quiet, port = 0): Promise<EmbeddedBroker> {
  const broker = await startEmbeddedBroker({
    host: "127.0.0.1",
    port,
    directory,
    log,
    clock: systemClock,
    access: () => ({ kind: "open" }),
  });
  onTestFinished(() => broker.stop());
  return broker;
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("the embedded broker", () => {
  it("carries messages once it is started, up to its own limit of 8 MB", async () => {
    const broker = await start(join(await tempDir(), "broker"));
    const transport = openNatsTransport({
      broker: { servers: [broker.url], auth: { kind: "none" }, tls: null },
      name: "central",
      pingMs: 10_000,
      clock: systemClock,
      random: systemRandom,
      log: quiet,
    });
    onTestFinished(() => transport.close());
    await reaches(transport, "connected");
    expect(transport.maxPayload()).toBe(8 * 1024 * 1024);
    const inbox = collect(transport, "x");
    transport.publish("x", bytes("1"));
    await inbox.count(1);
  });

  it("asks for the credentials that it was given", async () => {
    const auth = { kind: "user", user: "central", password: 'a "quoted" \\ one' } as const;
    const broker = await startEmbeddedBroker({
      host: "127.0.0.1",
      port: 0,
      directory: await tempDir(),
      log: quiet,
      clock: systemClock,
      access: () => auth,
    });
    onTestFinished(() => broker.stop());
    const open = (given: Address["auth"]): Transport => {
      const transport = openNatsTransport({
        broker: { servers: [broker.url], auth: given, tls: null },
        name: "central",
        pingMs: 10_000,
        clock: systemClock,
        random: systemRandom,
        log: quiet,
      });
      onTestFinished(() => transport.close());
      return transport;
    };
    await Promise.all([reaches(open(auth), "connected"), reaches(open({ kind: "none" }), "denied")]);
  });

  it("keeps its configuration to itself, and removes its pid file when it ends", async () => {
    const directory = join(await tempDir(), 'a directory with "quotes" and ünicode');
    const broker = await start(directory);
    expect((await stat(join(directory, "nats-server.conf"))).mode & 0o777).toBe(0o600);
    expect(Number(await readFile(join(directory, "nats-server.pid"), "utf8"))).toBe(broker.pid);
    await broker.stop();
    await expect(stat(join(directory, "nats-server.pid"))).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("ends as `shutdown` when it is stopped, also twice at once", async () => {
    const broker = await start(await tempDir());
    await Promise.all([broker.stop(), broker.stop()]);
    expect(await broker.ended).toEqual({ reason: "shutdown" });
    expect(alive(broker.pid)).toBe(false);
  });

  it("ends as `failed` when it is killed from outside", async () => {
    const broker = await start(await tempDir());
    process.kill(broker.pid, "SIGKILL");
    expect(await broker.ended).toMatchObject({
      reason: "failed",
      error: { code: "nats-server-failed", details: { fault: "ended by SIGKILL" } },
    });
  });

  it("says why it cannot start, in the server's own words, and leaves no process", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void taken.close());
    const address = taken.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    await expect(start(await tempDir(), quiet, port)).rejects.toMatchObject({
      code: "nats-server-failed",
      details: { fault: expect.stringContaining("address already in use") },
    });
  });

  it("ends the server that a killed daemon left behind, and takes its port", async () => {
    const directory = await tempDir();
    const orphan = await start(directory);
    const port = Number(new URL(orphan.url).port);
    const warnings: string[] = [];
    const log = pino({ level: "warn" }, { write: (line: string) => void warnings.push(line) });
    const broker = await start(directory, log, port);
    expect(await orphan.ended).toMatchObject({ reason: "failed" });
    expect(alive(orphan.pid)).toBe(false);
    expect(broker.url).toBe(orphan.url);
    expect(warnings.join()).toContain("an earlier daemon left behind");
  });

  it("leaves a foreign process alone that has got the pid of an old one", async () => {
    const directory = await tempDir();
    const foreign = spawn("sleep", ["60"]);
    onTestFinished(() => void foreign.kill("SIGKILL"));
    await writeFile(join(directory, "nats-server.pid"), String(foreign.pid));
    await start(directory);
    expect(alive(foreign.pid ?? 0)).toBe(true);
  });

  it("passes the server's log on, complaints as warnings", async () => {
    const lines: { level: number; source?: string; msg: string }[] = [];
    const log = pino({ level: "debug" }, { write: (line: string) => void lines.push(JSON.parse(line)) });
    await start(await tempDir(), log);
    const own = lines.filter(({ source }) => source === "nats-server");
    expect(own.find(({ msg }) => msg === "Server is ready")?.level).toBe(20);
  });
});
