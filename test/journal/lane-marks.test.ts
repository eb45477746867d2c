import fc from "fast-check";
import { expect, test } from "vitest";
import { LaneMarks } from "../../src/journal/lanes/lane-marks.ts";

test("marks know when each message was first sent, and how often, whatever was sent again and however much of it", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(20), fc.integer({ min: 1, max: 8 }), fc.boolean()), { maxLength: 15 }),
      (steps) => {
        const marks = new LaneMarks();
        const model = new Map<number, { at: number; attempts: number }>();
        let top = 0;
        steps.forEach(([back, count, undone], step) => {
          if (undone) {
            top = Math.max(0, top - back);
            for (const seq of model.keys()) if (seq > top) model.delete(seq);
            marks.unsent(top);
            return;
          }
          const first = Math.max(1, top + 1 - back);
          const last = first + count - 1;
          const at = 1_000 + step;
          for (let seq = first; seq <= last; seq++) {
            const known = model.get(seq);
            model.set(seq, { at: known?.at ?? at, attempts: (known?.attempts ?? 0) + 1 });
          }
          top = Math.max(top, last);
          marks.sent(first, last, at);
        });
        const again = new LaneMarks();
        if (marks.text !== undefined) again.restore(JSON.parse(marks.text));
        for (let seq = 1; seq <= top; seq++) {
          const { sentAt, attempts } = again.of(seq);
          expect({ at: sentAt, attempts }).toEqual(model.get(seq));
        }
      },
    ),
  );
});

test("marks stay few, and what is told of a message is then off by little", () => {
  const marks = new LaneMarks();
  for (let seq = 1; seq <= 1_000; seq++) marks.sent(seq, seq, seq * 10);
  marks.acked(1_000, 500, 20_000);
  expect(JSON.parse(marks.text ?? "").s.length).toBeLessThanOrEqual(48);
  expect(marks.of(1_000)).toEqual({ attempts: 1, sentAt: 10_000, receivedAt: 20_000, startedAt: 0 });
  marks.forget(1_001);
  expect(marks.text).toBeUndefined();
});
