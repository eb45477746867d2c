import { expect, test } from "vitest";
import type { Happening } from "../../src/message/happening.ts";
import { Happenings } from "../../src/observe/happenings.ts";
import { listLog } from "../harness/list-log.ts";

const alert = (text: string): Happening => ({ type: "alert", at: 1, node: "n", code: "internal", text });

test("every listener is called in the order in which it came, until it leaves", () => {
  const bus = new Happenings(listLog());
  const seen: string[] = [];
  const leaveA = bus.subscribe((h) => seen.push(`a:${h.type}`));
  const leaveB = bus.subscribe((h) => seen.push(`b:${h.type}`));
  expect(bus.watched).toBe(true);
  bus.emit(alert("1"));
  leaveA();
  leaveA();
  bus.emit(alert("2"));
  leaveB();
  expect(bus.watched).toBe(false);
  bus.emit(alert("3"));
  expect(seen).toEqual(["a:alert", "b:alert", "b:alert"]);
});

test("a listener that throws is logged and does not disturb the others or the one who emits", () => {
  const log = listLog();
  const bus = new Happenings(log);
  const seen: Happening[] = [];
  bus.subscribe(() => {
    throw new Error("mine");
  });
  bus.subscribe((h) => seen.push(h));
  bus.emit(alert("1"));
  expect(seen).toHaveLength(1);
  expect(log.lines).toMatchObject([{ level: "error", fields: { err: { message: "mine" }, happening: "alert" } }]);
});

test("listeners may come and go while one is being called", () => {
  const bus = new Happenings(listLog());
  const seen: string[] = [];
  const leave = bus.subscribe(() => {
    seen.push("a");
    leave();
    bus.subscribe(() => seen.push("late"));
  });
  bus.subscribe(() => seen.push("b"));
  bus.emit(alert("1"));
  expect(seen).toEqual(["a", "b"]);
  bus.emit(alert("2"));
  expect(seen).toEqual(["a", "b", "b", "late"]);
});

test("the same function subscribed twice is called twice and leaves once at a time", () => {
  const bus = new Happenings(listLog());
  let calls = 0;
  const listener = (): void => {
    calls++;
  };
  const leave = bus.subscribe(listener);
  bus.subscribe(listener);
  leave();
  bus.emit(alert("1"));
  expect(calls).toBe(1);
});
