import fc from "fast-check";
import { expect, test } from "vitest";
import { SseReader } from "../../src/api/sse-reader.ts";

test("a stream cut into any pieces gives the same events", () => {
  const text =
    'retry: 2000\n\n: heartbeat\n\nevent: node\nid: 1\ndata: {"a":"ü"}\n\r\ndata:x\r\ndata: y\r\n\r\nevent: gap\n\nnonsense\n\n';
  const whole = new SseReader().push(text);
  expect(whole).toEqual([
    { event: "node", data: '{"a":"ü"}', id: "1" },
    { event: "message", data: "x\ny", id: "1" },
  ]);
  fc.assert(
    fc.property(fc.array(fc.nat(text.length), { maxLength: 12 }), (cuts) => {
      const reader = new SseReader();
      const at = [0, ...cuts.sort((a, b) => a - b), text.length];
      const events = at.slice(1).flatMap((end, i) => reader.push(text.slice(at[i], end)));
      expect(events).toEqual(whole);
    }),
  );
});
