import { deflateRawSync } from "node:zlib";
import { afterEach, describe, expect, it, vi } from "vitest";
import { parseMessages } from "../../src/intake/message-file.ts";
import { StewardError } from "../../src/message/errors.ts";
import { dataFault, FRAME_LIMITS } from "../../src/message/wire/bounds.ts";
import { decodeAck, decodeFrame } from "../../src/message/wire/frame.ts";
import { encodeFrame } from "../harness/packets.ts";

/** Work and memory are bounded before anything is expanded; counted in steps, never in seconds. */
const SUBJECT = "ship1.command.shellcommand.os";
const ID = "01HZZZZZZZ0123456789ABCDEF";
const MOST = FRAME_LIMITS.bodyBytes;

afterEach(() => {
  vi.restoreAllMocks();
});

const repeated = (piece: string, bytes: number): string => piece.repeat(Math.floor(bytes / piece.length));
const frameOf = (body: string, flags = 1): Uint8Array =>
  Buffer.concat([Buffer.from([0x53, 0x57, 1, flags]), deflateRawSync(body)]);

describe("a frame of a few kilobytes that expands into megabytes", () => {
  it.each([
    ["empty lists", `[${repeated("[],", MOST - 10)}0]`],
    ["empty objects", `[${repeated("{},", MOST - 10)}0]`],
    ["nesting", repeated("[", MOST)],
    ["keys", `{${repeated('"k":0,', MOST - 10)}"k":0}`],
    ["lists behind a string with quotes", `["\\"[",${repeated("[],", MOST - 20)}0]`],
  ])("of %s is refused before it is parsed", (_what, body) => {
    const payload = frameOf(body);
    expect(payload.length).toBeLessThan(64 * 1024);
    const parse = vi.spyOn(JSON, "parse");
    expect(() => decodeFrame(SUBJECT, payload)).toThrow(/parts/);
    const ack = Buffer.from(payload);
    ack[3] = 3;
    expect(() => decodeAck(SUBJECT, ack)).toThrow(/parts/);
    expect(parse).not.toHaveBeenCalled();
  });

  it("of one long text is taken: brackets in a text are no parts", () => {
    const data = [repeated("[{:,", 1024 * 1024)];
    const item = { id: ID, createdAt: 1, deliverBy: null, timeout: null, data };
    const frame = { origin: "central", epoch: "e", sentAt: 1, first: 1, acked: 0, items: [item] };
    expect(decodeFrame(SUBJECT, encodeFrame(SUBJECT, frame, 0))).toEqual(frame);
  });
});

describe("data", () => {
  it("that is accepted to be sent is never refused for its parts on arrival", () => {
    const most = Array.from({ length: FRAME_LIMITS.parts - 1 }, () => []);
    expect(dataFault(most)).toBeUndefined();
    expect(dataFault([...most, []])).toMatch(/more than 250000/);
    const item = { id: ID, createdAt: 1, deliverBy: null, timeout: null, data: most };
    const frame = { origin: "central", epoch: "e", sentAt: 1, first: 1, acked: 0, items: [item] };
    expect(decodeFrame(SUBJECT, encodeFrame(SUBJECT, frame, null)).items[0]).toMatchObject({ id: ID });
  });
});

describe("a message file of a few kilobytes", () => {
  it.each([
    ["aliases of a long text", `- &a ${"x".repeat(8_000)}\n  - [${Array(2_000).fill("*a").join(",")}]`, /characters/],
    [
      "aliases of a long key",
      `- &a {${"x".repeat(8_000)}: 1}\n  - [${Array(2_000).fill("*a").join(",")}]`,
      /characters/,
    ],
  ])("with %s is refused before it is written out", (_what, data, fault) => {
    const stringify = vi.spyOn(JSON, "stringify");
    const text = `to: ship1\ncommand: echo\ndomain: os\ndata:\n  ${data}\n`;
    let thrown: unknown;
    try {
      parseMessages(text, { name: "a.yaml" });
    } catch (error) {
      thrown = error;
    }
    const longest = Math.max(0, ...stringify.mock.results.map(({ value }) => String(value).length));
    expect(thrown).toBeInstanceOf(StewardError);
    expect((thrown as StewardError).message).toMatch(fault);
    expect(longest).toBeLessThan(1024 * 1024);
  });
});
