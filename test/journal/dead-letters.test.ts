import { expect, it } from "vitest";
import { DeadLetters } from "../../src/journal/dead-letters.ts";
import type { DeadRecord } from "../../src/journal/records.ts";
import { SimulatedClock } from "../harness/clock.ts";
import { emptyDisk, openMemoryStore } from "../twins/memory-store.ts";

const letter = (id: string): DeadRecord => ({
  v: 1,
  message: {
    id,
    subject: "ship1.command.echo.os",
    origin: "central",
    createdAt: 1,
    deliverBy: null,
    timeout: null,
    data: id,
  },
  epoch: "e",
  seq: 1,
  receivedAt: 1,
  at: 1,
  reason: "it broke",
  attempts: 3,
});

it("dead letters are read a page at a time, by id, and counted without being read", () => {
  const store = openMemoryStore(emptyDisk(), new SimulatedClock());
  const dead = new DeadLetters(store);
  const ids = ["A", "B", "BB", "C", "D"];
  for (const id of [...ids].reverse()) dead.add(letter(id));
  const page = (limit?: number, after?: string) => dead.all(limit, after).map(({ message }) => message.id);
  expect(page()).toEqual(ids);
  expect(page(2)).toEqual(["A", "B"]);
  expect(page(2, "B")).toEqual(["BB", "C"]);
  expect(page(2, "D")).toEqual([]);
  expect(dead.count).toBe(5);
  dead.remove("B");
  expect(dead.get("B")).toBeUndefined();
  expect(dead.get("BB")).toEqual(letter("BB"));
  expect(page(2, "A")).toEqual(["BB", "C"]);
  expect(dead.count).toBe(4);
  store.close();
});
