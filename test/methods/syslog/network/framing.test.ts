import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Frame, Framer } from "../../../../src/methods/syslog/network/framing.ts";

const LIMIT = 64;

function frames(chunks: readonly Buffer[], limit = LIMIT): { text: string; more: boolean }[] {
  const framer = new Framer(() => limit);
  const all: Frame[] = chunks.flatMap((chunk) => framer.push(chunk));
  all.push(...framer.end());
  return all.map(({ bytes, more }) => ({ text: bytes.toString("latin1"), more }));
}

const texts = (stream: string): string[] => frames([Buffer.from(stream)]).map((frame) => frame.text);

describe("a TCP stream", () => {
  it("is messages that end with a newline", () => {
    expect(texts("<13>one\n<13>two\r\n\n<13>three\n")).toEqual(["<13>one", "<13>two\r", "<13>three"]);
  });

  it("is messages that are counted, newlines in them included", () => {
    expect(texts("7 <13>one8 <13>t\no\n10 <13>three!")).toEqual(["<13>one", "<13>t\no\n", "<13>three!"]);
  });

  it("may change its framing from message to message", () => {
    expect(texts("7 <13>one\n<13>two\n9 <13>three<13>four\n")).toEqual(["<13>one", "<13>two", "<13>three", "<13>four"]);
  });

  it("has lines that begin with a number and are not counted", () => {
    expect(texts("12 monkeys\n2026-11-22 text\n42\n7\n99999999999 <x\n1 \n")).toEqual([
      "12 monkeys",
      "2026-11-22 text",
      "42",
      "7",
      "99999999999 <x",
      "1 ",
    ]);
  });

  it.each([
    ["a line", "<13>half"],
    ["digits", "123"],
    ["digits and a space", "12 "],
  ])("that ends within %s gives what it has", (_what, stream) => {
    expect(texts(stream)).toEqual([stream]);
  });

  it("is messages that end with NUL, as some programs write them", () => {
    expect(texts("<13>one\0<13>two\0\n<13>three\r\n<13>four\0")).toEqual([
      "<13>one",
      "<13>two",
      "<13>three\r",
      "<13>four",
    ]);
  });

  it("has NULs at the beginning of a message counted, which end nothing", () => {
    const framer = new Framer(() => LIMIT);
    const found = framer.push(Buffer.from("\0\0\0<13>one\n\0<13>two\n<13>three\0"));
    expect(found.map(({ bytes }) => bytes.toString())).toEqual(["<13>one", "<13>two", "<13>three"]);
    expect([framer.takeNuls(), framer.takeNuls()]).toEqual([4, 0]);
  });

  it("has a line that only begins like a count and a priority taken as a line", () => {
    expect(texts("2026 <info> started\n<13>next\n12 <1234> no\n5 <x\n")).toEqual([
      "2026 <info> started",
      "<13>next",
      "12 <1234> no",
      "5 <x",
    ]);
  });

  describe("whose counts are wrong", () => {
    const messages = Array.from({ length: 6 }, (_, n) => `<13>app: message é ${n} ${"xé".repeat(n * 3)}.`);
    const stream = (count: (message: string) => number): string => messages.map((m) => `${count(m)} ${m}`).join("");
    const run = (text: string) => {
      const framer = new Framer(() => 1_000);
      const found = [...framer.push(Buffer.from(text)), ...framer.end()].map(({ bytes }) => bytes.toString());
      return { found, errors: framer.takeErrors() };
    };

    it("because they count characters: every message behind the first is whole, nothing is lost, and the error is counted", () => {
      const { found, errors } = run(stream((m) => m.length));
      expect(found.slice(-5)).toEqual(messages.slice(1));
      expect(found.slice(0, -5).join("")).toBe(messages[0]);
      expect(errors).toBe(1);
    });

    it.each([1, 2, 7])(
      "by %i too many: the step is found again, nothing is merged, and the error is counted",
      (more) => {
        const { found, errors } = run(stream((m) => Buffer.byteLength(m) + more));
        for (const message of messages.slice(2)) expect(found).toContain(message);
        for (const text of found) expect(text.split("app: message").length).toBeLessThanOrEqual(2);
        for (const message of messages) expect(found.join("")).toContain(message.slice(10));
        expect(errors).toBeGreaterThan(0);
      },
    );

    it("by very many, so that the connection ends within the message: gives what it has, and the error is counted", () => {
      const framer = new Framer(() => LIMIT);
      framer.push(Buffer.from("100 <13>half"));
      expect(framer.isWithin).toBe(true);
      expect(framer.end().map(({ bytes }) => bytes.toString())).toEqual(["<13>half"]);
      expect(framer.takeErrors()).toBe(1);
    });
  });

  it("that ends within a counted message gives what it has", () => {
    expect(texts("100 <13>half")).toEqual(["<13>half"]);
  });

  it("hands a longer line over in parts, in both framings", () => {
    const long = `<13>${"x".repeat(100)}`;
    expect(frames([Buffer.from(`${long}\n<13>next\n104 ${long}<13>last\n`)])).toEqual([
      { text: long.slice(0, LIMIT), more: true },
      { text: long.slice(LIMIT), more: false },
      { text: "<13>next", more: false },
      { text: long.slice(0, LIMIT), more: true },
      { text: long.slice(LIMIT), more: false },
      { text: "<13>last", more: false },
    ]);
  });

  it("leaves a line whole that is too long by its ending alone", () => {
    const line = `<13>${"x".repeat(LIMIT - 4)}`;
    expect(frames([Buffer.from(`${line}\r\n`)])).toEqual([{ text: `${line}\r`, more: false }]);
  });

  it("does not tear a character where it divides", () => {
    const framer = new Framer(() => 6);
    const found = framer.push(Buffer.from("<13>aé!!\n"));
    expect(found.map(({ bytes }) => bytes.toString())).toEqual(["<13>a", "é!!"]);
  });

  it("gives the same messages however it is split into segments", () => {
    const piece = fc.oneof(
      fc.constantFrom(
        "<13>",
        "\n",
        "\r\n",
        "7 ",
        "7 <13>abc",
        "12 <",
        "0 <",
        "99999999 ",
        "1",
        " ",
        "200 <13>",
        "é",
        "\0",
      ),
      fc.string({ maxLength: 90 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), fc.array(fc.nat(400), { maxLength: 20 }), (pieces, cuts) => {
        const stream = Buffer.from(pieces.join(""));
        const at = [0, ...cuts.filter((cut) => cut < stream.length).sort((a, b) => a - b), stream.length];
        const segments = at.slice(1).map((end, i) => stream.subarray(at[i], end));
        const bytes = Array.from(stream, (byte) => Buffer.from([byte]));
        const whole = frames([stream]);
        expect(frames(segments)).toEqual(whole);
        expect(frames(bytes)).toEqual(whole);
      }),
      { numRuns: 1_000 },
    );
  });

  it("loses no byte but the line ends and the counts: the parts add up", () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^<13>[a-z]{0,150}$/), { maxLength: 20 }),
        fc.boolean(),
        (messages, counted) => {
          const stream = messages.map((m) => (counted ? `${m.length} ${m}` : `${m}\n`)).join("");
          const found = frames([Buffer.from(stream)]);
          expect(found.map(({ text, more }) => text + (more ? "" : "\n")).join("")).toBe(
            messages.map((m) => `${m}\n`).join(""),
          );
        },
      ),
    );
  });

  it("holds no more than the limit of a line that never ends", () => {
    const framer = new Framer(() => LIMIT);
    const chunk = Buffer.alloc(16 * 1024, 120);
    const before = process.memoryUsage().arrayBuffers;
    let bytes = 0;
    for (let i = 0; i < 500; i++) for (const frame of framer.push(chunk)) bytes += frame.bytes.length;
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000);
    for (const frame of framer.end()) bytes += frame.bytes.length;
    expect(bytes).toBe(500 * chunk.length);
  });
});
