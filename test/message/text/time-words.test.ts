import { describe, expect, it } from "vitest";
import { isTimeKey, withTimes } from "../../../src/message/text/time-words.ts";

describe("beside what programs read in JSON", () => {
  it("stands each time as RFC 3339 text, and the parts of each subject", () => {
    const at = Date.UTC(2030, 0, 2, 3, 4, 5, 6);
    const message = { id: "x", subject: "ship1.command.m.d", createdAt: at, deliverBy: null, history: [{ at }] };
    expect(withTimes([message])).toEqual([
      {
        ...message,
        node: "ship1",
        method: "m",
        domain: "d",
        createdAtTime: "2030-01-02T03:04:05.006Z",
        deliverByTime: null,
        history: [{ at, atTime: "2030-01-02T03:04:05.006Z" }],
      },
    ]);
  });

  it("what a message carries stays as it is, and so does what names its parts itself", () => {
    const data = { at: 5, subject: "ship1.command.m.d" };
    expect(withTimes({ data, result: data })).toEqual({ data, result: data });
    expect(withTimes({ subject: "ship1.event.m.d", node: "me" })).toMatchObject({ node: "me", method: "m" });
    expect(withTimes({ subject: "none", at: Number.POSITIVE_INFINITY })).toEqual({
      subject: "none",
      at: Number.POSITIVE_INFINITY,
      atTime: null,
    });
  });

  it("a time is known by its name alone", () => {
    const times = ["at", "since", "asOf", "deliverBy", "startedAt", "linkSince", "nextDeliverBy", "lastSeenAt"];
    expect(times.filter((key) => !isTimeKey(key))).toEqual([]);
    expect(["format", "seat", "data", "timeout", "flat", "atTime", "sinceTime", "clockSkew"].filter(isTimeKey)).toEqual(
      [],
    );
  });

  it("is said twice as once", () => {
    const once = withTimes({ subject: "ship1.event.m.d", at: 5, changes: [{ at: 6 }] });
    expect(withTimes(once)).toEqual(once);
  });
});
