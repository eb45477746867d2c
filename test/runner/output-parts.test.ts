import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  beyond,
  carry,
  incompleteBeginning,
  incompleteEnd,
  partBytes,
  toParts,
} from "../../src/runner/output-parts.ts";
import { LineReader } from "../../src/runner/protocol.ts";

describe("incompleteEnd and incompleteBeginning", () => {
  it("count the bytes of a character that is not whole", () => {
    const euro = Buffer.from("€");
    const smile = Buffer.from("😀");
    expect(incompleteEnd(euro)).toBe(0);
    expect(incompleteEnd(euro.subarray(0, 2))).toBe(2);
    expect(incompleteEnd(smile.subarray(0, 3))).toBe(3);
    expect(incompleteEnd(Buffer.from("a"))).toBe(0);
    expect(incompleteEnd(Buffer.from([0xff]))).toBe(0);
    expect(incompleteEnd(Buffer.alloc(0))).toBe(0);
    expect(incompleteBeginning(smile.subarray(1))).toBe(3);
    expect(incompleteBeginning(euro)).toBe(0);
  });
});

describe("toParts", () => {
  it("loses and adds no byte, whatever the bytes are", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat({ max: 1000 }), (bytes, offset) => {
        const parts = toParts("stdout", offset, Buffer.from(bytes));
        expect(Buffer.concat(parts.map(partBytes)).equals(Buffer.from(bytes))).toBe(true);
        expect(parts[0]?.offset ?? offset).toBe(offset);
      }),
    );
  });

  it("cuts a long text between characters", () => {
    const text = `x${"€".repeat(40_000)}`;
    const parts = toParts("stderr", 0, Buffer.from(text));
    expect(parts.length).toBeGreaterThan(2);
    expect(parts.every((part) => part.encoding === undefined)).toBe(true);
    expect(parts.map((part) => part.text).join("")).toBe(text);
  });
});

describe("beyond", () => {
  it("leaves out what a listener has had, in the middle of a part too", () => {
    const carried = { stdout: 0, stderr: 0 };
    carry(carried, [{ stream: "stdout", offset: 0, text: "ü" }]);
    const all = toParts("stdout", 0, Buffer.from("üabc"));
    expect(beyond(carried, [...all, { stream: "stderr", offset: 0, text: "e" }])).toEqual([
      { stream: "stdout", offset: 2, text: "abc" },
      { stream: "stderr", offset: 0, text: "e" },
    ]);
    carry(carried, all);
    expect(beyond(carried, all)).toEqual([]);
  });
});

describe("LineReader", () => {
  it("finds the same lines in whatever pieces the bytes come", () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.array(fc.integer({ min: 1, max: 9 })), (texts, sizes) => {
        const lines = texts.map((text) => JSON.stringify(text));
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
        const reader = new LineReader();
        const read: string[] = [];
        let at = 0;
        for (let i = 0; at < bytes.length; i++) {
          const size = sizes[i % Math.max(1, sizes.length)] ?? 5;
          read.push(...reader.push(bytes.subarray(at, at + size)));
          at += size;
        }
        expect(read).toEqual(lines);
      }),
    );
  });
});
