import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { RunningSource } from "../../../../src/methods/define.ts";
import { Losses } from "../../../../src/methods/syslog/losses.ts";
import { parseAddress } from "../../../../src/methods/syslog/network/address.ts";
import { listenTcp } from "../../../../src/methods/syslog/network/listen-tcp.ts";
import { Sender } from "../../../../src/methods/syslog/network/sender.ts";
import { syslogSource } from "../../../../src/methods/syslog/network/source-syslog.ts";
import { dropsOf } from "../../../../src/methods/syslog/network/udp-drops.ts";
import { SimulatedClock } from "../../../harness/clock.ts";
import { gate, RecordingContext } from "../harness.ts";

const running: RunningSource[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const source of running.splice(0)) await source.stop();
});

async function listen(setting: string, context = new RecordingContext()) {
  const source = await syslogSource.start(setting, context);
  running.push(source);
  const { host, port } = parseAddress(source.address ?? "");
  return { source, context, host, port };
}

async function dial(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  sockets.push(socket);
  await once(socket, "connect");
  return socket;
}

/** Sends datagrams one after the other, each after the kernel took the one before. */
async function datagrams(port: number, messages: readonly (string | Buffer)[]): Promise<void> {
  const socket = createSocket("udp4");
  for (const message of messages) {
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise<void>((resolve, reject) => {
      socket.send(message, port, "127.0.0.1", (error) => (error === null ? resolve() : reject(error)));
    });
  }
  socket.close();
}

describe("the address", () => {
  it.each([
    ["udp://127.0.0.1:5514", { protocol: "udp", host: "127.0.0.1", port: 5514 }],
    ["tcp://[::1]:0", { protocol: "tcp", host: "::1", port: 0 }],
    ["udp://:5514", { protocol: "udp", host: "127.0.0.1", port: 5514 }],
    ["tcp://localhost:601/", { protocol: "tcp", host: "localhost", port: 601 }],
  ])("%s is understood", (text, address) => {
    expect(parseAddress(text)).toEqual(address);
  });

  it.each([
    [5514, "is not an address"],
    ["127.0.0.1:5514", "is not an address"],
    ["http://127.0.0.1:80", "is not an address"],
    ["udp://127.0.0.1", "lacks a host or a port"],
    ["udp://127.0.0.1:70000", "ports end at 65535"],
    ["udp://::1:514", "lacks a host or a port"],
  ])("%s is refused with what is wrong", (setting, fault) => {
    expect(() => syslogSource.check(setting)).toThrow(fault);
  });
});

describe("syslog over UDP", () => {
  it("hands over each datagram as a line, with the port that was chosen", async () => {
    const { context, port } = await listen("udp://127.0.0.1:0");
    expect(port).toBeGreaterThan(0);
    await datagrams(port, ["<14>2026-11-22T14:20:55Z web1 app[7]: one\n", "<13>two\nlines\0", "\n"]);
    await context.until(() => context.lines.length === 2);
    expect(context.lines[0]).toEqual({
      facility: "user",
      severity: "info",
      time: "2026-11-22T14:20:55.000Z",
      host: "web1",
      app: "app",
      pid: "7",
      text: "one",
    });
    expect(context.lines[1]).toMatchObject({ text: "two\nlines", time: expect.stringMatching(/^\d{4}-.*Z$/) });
    expect(context.lines[1]?.host).toBeUndefined();
  });

  it("keeps bytes that are not UTF-8 as U+FFFD and counts them, and divides a datagram that is too long", async () => {
    const { context, port, source } = await listen("udp://127.0.0.1:0");
    await datagrams(port, [Buffer.from([0x3c, 0x31, 0x33, 0x3e, 0x63, 0xe9]), `<13>${"x".repeat(40_000)}`]);
    await context.until(() => context.lines.length === 3);
    expect(context.texts[0]).toBe("c\ufffd");
    expect(context.texts.slice(1).join("")).toBe("x".repeat(40_000));
    expect(context.lines.slice(1).map(({ part, more, severity }) => [part, more, severity])).toEqual([
      ["1", true, "notice"],
      ["2", undefined, "notice"],
    ]);
    await source.stop();
    expect(Object.fromEntries(context.drops)).toEqual({ "not-utf8": 1 });
    expect(context.longer).toBe(1);
  });

  it("divides a message over TCP that is longer than the limit of now, with the header of its first part on each", async () => {
    const { context, port, source } = await listen("tcp://127.0.0.1:0");
    const client = await dial(port);
    context.longest = 1_024;
    const text = Array.from({ length: 3_000 }, (_, n) => n % 10).join("");
    client.write(`<13>Nov 22 14:20:55 web1 app[7]: ${text}\n<13>Nov 22 14:20:55 web1 app[7]: short\n`);
    await context.until(() => context.texts.includes("short"));
    const parts = context.lines.slice(0, -1);
    expect(parts.map(({ part }) => part)).toEqual(["1", "2", "3"]);
    expect(parts.map(({ more }) => more)).toEqual([true, true, undefined]);
    for (const part of parts) expect(part).toMatchObject({ host: "web1", app: "app", pid: "7" });
    expect(parts.map((part) => part.text).join("")).toBe(text);
    expect(context.lines.at(-1)).not.toHaveProperty("part");
    expect([context.longer, context.drops.size]).toEqual([1, 0]);
    client.destroy();
    await source.stop();
  });

  it("accounts for every datagram of a flood that it may not hand over: kept, dropped by itself or by the kernel", async () => {
    const context = new RecordingContext();
    const held = gate();
    context.gate = held.closed;
    const { source, port } = await listen("udp://127.0.0.1:0", context);
    const message = `<13>${"x".repeat(8_000)}`;
    // Slowly enough to be taken: the queue overflows. Then all in one turn of the loop: the kernel's buffer does.
    await datagrams(
      port,
      Array.from({ length: 3_000 }, () => message),
    );
    await context.until(() => context.drops.has("queue-full"));
    const burst = createSocket("udp4");
    const sent = Array.from(
      { length: 3_000 },
      () => new Promise((resolve) => burst.send(message, port, "127.0.0.1", resolve)),
    );
    await Promise.all(sent);
    burst.close();
    held.open();
    await source.stop();
    const sum = [...context.drops.values()].reduce((a, b) => a + b, 0);
    expect(context.lines.length + sum).toBe(6_000);
    expect(context.lines.length).toBeGreaterThan(1_000);
    expect([...context.drops.keys()].sort()).toEqual(
      process.platform === "linux" ? ["kernel-full", "queue-full"] : ["queue-full"],
    );
  });

  it("finds what the kernel dropped in its table", () => {
    const table = [
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops",
      "  100: 0100007F:1592 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0000 41",
      "  101: 0100007F:1593 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 2 2 0000 7",
      "",
    ].join("\n");
    expect(dropsOf(table, 5522)).toBe(41);
    expect(dropsOf(table, 1)).toBeUndefined();
  });
});

describe("what a datagram may hold", () => {
  it("is UTF-16 with its mark, or with none, as some systems send it; NULs before the text are counted", async () => {
    const { context, port } = await listen("udp://127.0.0.1:0");
    const le = Buffer.from("\ufeff<13>app: één", "utf16le");
    const be = Buffer.from("<13>app: twee", "utf16le").swap16();
    await datagrams(port, [le, be, "\0\0<13>app: three\0"]);
    await context.until(() => context.lines.length === 3);
    expect(context.texts).toEqual(["één", "twee", "three"]);
    expect(Object.fromEntries(context.drops)).toEqual({ nul: 2 });
  });
});

describe("syslog over TCP", () => {
  it("takes both framings, over several segments and several in one", async () => {
    const { context, port } = await listen("tcp://127.0.0.1:0");
    const socket = await dial(port);
    socket.setNoDelay(true);
    for (const byte of Buffer.from("<13>a: slow\n14 <13>b: counted")) {
      await new Promise<void>((resolve) => socket.write(Buffer.from([byte]), () => resolve()));
    }
    socket.write("<13>c: one\n<13>c: two\r\n<13>c: three\n");
    await context.until(() => context.lines.length === 5);
    expect(context.lines.map((line) => `${line.app} ${line.text}`)).toEqual([
      "a slow",
      "b counted",
      "c one",
      "c two",
      "c three",
    ]);
  });

  it("takes what is left of a message when its connection ends, or breaks", async () => {
    const { context, port } = await listen("tcp://127.0.0.1:0");
    (await dial(port)).end("<13>ended");
    await context.until(() => context.lines.length === 1);
    const broken = await dial(port);
    broken.write("<13>whole\n<13>broken");
    await context.until(() => context.lines.length === 2);
    broken.resetAndDestroy();
    await context.until(() => context.lines.length === 3);
    expect(context.texts).toEqual(["ended", "whole", "broken"]);
  });

  it("takes a message that stands incomplete for some seconds, though its connection stays open", async () => {
    const clock = new SimulatedClock();
    const context = new RecordingContext({ clock });
    const { port } = await listen("tcp://127.0.0.1:0", context);
    const socket = await dial(port);
    socket.write("<13>one\0<13>two\0<13>three");
    await context.until(() => context.lines.length === 2);
    await clock.advance(4_000);
    expect(context.texts).toEqual(["one", "two"]);
    await clock.advance(2_000);
    await context.until(() => context.lines.length === 3);
    expect(context.texts).toEqual(["one", "two", "three"]);
    socket.write(" and <13>four\n");
    await context.until(() => context.lines.length === 4);
  });

  it("counts a sender's wrong counts, and goes on with what comes behind them", async () => {
    const { context, port } = await listen("tcp://127.0.0.1:0");
    (await dial(port)).end("8 <13>a: é8 <13>b: t8 <13>c: t");
    await context.until(() => context.lines.length >= 4);
    expect(context.lines.map(({ app }) => app)).toEqual(expect.arrayContaining(["a", "b", "c"]));
    expect(context.drops.get("framing-error")).toBe(1);
  });

  it.each(["utf16le", "utf16be"] as const)("reads a connection in %s", async (name) => {
    const { context, port } = await listen("tcp://127.0.0.1:0");
    const bytes = Buffer.from("\ufeff<13>app: één\n<13>app: twee\n", "utf16le");
    const socket = await dial(port);
    socket.setNoDelay(true);
    for (const byte of name === "utf16le" ? bytes : bytes.swap16())
      await new Promise<void>((resolve) => socket.write(Buffer.from([byte]), () => resolve()));
    await context.until(() => context.lines.length === 2);
    expect(context.texts).toEqual(["één", "twee"]);
    expect(context.drops.size).toBe(0);
  });

  it("refuses and counts connections that would take the last descriptors, and takes new ones when there is room", async () => {
    const context = new RecordingContext();
    let room = 3;
    const listener = await listenTcp({
      address: parseAddress("tcp://127.0.0.1:0"),
      sender: (peer) =>
        new Sender(peer, {
          context,
          losses: new Losses(context),
          push: (record) => void context.emit({ lines: [record] }),
        }),
      lineBytes: () => context.lineBytes(),
      full: () => false,
      fail: () => undefined,
      losses: new Losses(context),
      isAmongLast: () => room-- <= 0,
      clock: new SimulatedClock(),
      log: context.log,
    });
    const clients = await Promise.all(Array.from({ length: 5 }, () => dial(listener.address.port)));
    for (const [n, client] of clients.entries()) {
      client.on("error", () => undefined);
      client.write(`<13>${n}\n`);
    }
    await context.until(() => context.lines.length === 3 && context.drops.get("refused") === 2);
    room = 1;
    (await dial(listener.address.port)).write("<13>later\n");
    await context.until(() => context.lines.length === 4);
    expect(context.texts.at(-1)).toBe("later");
    await listener.close();
  });

  it("takes many connections at once, each in its own order", async () => {
    const { context, port } = await listen("tcp://127.0.0.1:0");
    const clients = await Promise.all(Array.from({ length: 50 }, () => dial(port)));
    for (let n = 0; n < 20; n++) for (const [i, client] of clients.entries()) client.write(`<13>c${i}: ${n}\n`);
    await context.until(() => context.lines.length === 1_000);
    for (let i = 0; i < 50; i++) {
      const own = context.lines.filter((line) => line.app === `c${i}`).map((line) => Number(line.text));
      expect(own).toEqual(Array.from({ length: 20 }, (_, n) => n));
    }
  });

  it("makes its senders wait while nothing can be stored, holds a bounded amount, and loses nothing", async () => {
    const context = new RecordingContext();
    const held = gate();
    context.gate = held.closed;
    const { port } = await listen("tcp://127.0.0.1:0", context);
    const socket = await dial(port);
    const count = 20_000;
    const text = "x".repeat(2_000);
    let written = 0;
    const writing = (async () => {
      for (; written < count; written++) {
        if (!socket.write(`<13>${written} ${text}\n`)) await once(socket, "drain");
      }
    })();
    // The sender is stuck: it makes no progress over many turns of the loop.
    let before = -1;
    for (let quiet = 0; quiet < 200; ) {
      await new Promise((resolve) => setImmediate(resolve));
      quiet = written === before ? quiet + 1 : 0;
      before = written;
    }
    expect(written).toBeLessThan(count);
    expect(context.lines).toEqual([]);
    held.open();
    await writing;
    await context.until(() => context.lines.length === count);
    expect(context.texts.map((t) => Number(t.split(" ")[0]))).toEqual(Array.from({ length: count }, (_, i) => i));
    expect(context.drops.size).toBe(0);
  });

  it("hands over what it holds when it is stopped, and leaves no connection", async () => {
    const context = new RecordingContext();
    const { source, port } = await listen("tcp://127.0.0.1:0", context);
    const socket = await dial(port);
    const closed = once(socket, "close");
    socket.write("<13>one\n<13>half");
    await context.until(() => context.lines.length === 1);
    await source.stop();
    await closed;
    expect(context.texts).toEqual(["one", "half"]);
    await expect(dial(port)).rejects.toThrow("ECONNREFUSED");
  });

  it("fails when an event cannot be kept, and counts the lines", async () => {
    const context = new RecordingContext();
    context.broken = new Error("the journal is gone");
    const { port } = await listen("tcp://127.0.0.1:0", context);
    (await dial(port)).write("<13>one\n<13>two\n");
    await context.until(() => context.failures.length > 0);
    expect(context.failures).toEqual([context.broken]);
    expect(context.drops.get("not-durable")).toBe(2);
  });

  it("refuses to start where another listens, and says so", async () => {
    const { port } = await listen("tcp://127.0.0.1:0");
    await expect(syslogSource.start(`tcp://127.0.0.1:${port}`, new RecordingContext())).rejects.toThrow(
      `cannot listen at tcp://127.0.0.1:${port}: another program listens there`,
    );
    const udp = await listen("udp://127.0.0.1:0");
    await expect(syslogSource.start(`udp://127.0.0.1:${udp.port}`, new RecordingContext())).rejects.toThrow(
      "another program",
    );
  });

  it("warns when it listens beyond this machine", async () => {
    const { context } = await listen("tcp://0.0.0.0:0");
    expect(context.said.some(({ level, text }) => level === "warn" && text.includes("beyond this machine"))).toBe(true);
  });
});
