import { expect, onTestFinished, test } from "vitest";
import { JournalIdentities } from "../../../src/runtime/resync/journal-identities.ts";
import type { Word } from "../../../src/runtime/resync/vouch-method.ts";
import { SimulatedClock } from "../../harness/clock.ts";

const wordOf = (epoch: string): Word => ({
  epoch,
  ids: [],
  acked: [],
  had: [],
  begun: [],
  ended: [],
  disowned: [],
});

/** What was asked and what was settled, with a clock that is told to advance. */
function asker() {
  const clock = new SimulatedClock();
  const asked: { node: string; id: string }[] = [];
  const settled: [string, string | undefined][] = [];
  const doubled = new Set<string>();
  let link: "online" | "offline" = "online";
  const identities = new JournalIdentities({
    node: "central",
    vouching: { question: (node, id) => void asked.push({ node, id }) },
    fleet: { isDoubled: (node) => doubled.has(node), link: () => link },
    clock,
    newId: () => `id${asked.length}`,
  });
  identities.watch({ settled: (node, word) => void settled.push([node, word?.epoch]) });
  onTestFinished(() => {
    identities.end();
    expect(clock.armed).toBe(0);
  });
  const answer = (node: string, epoch: string): boolean =>
    identities.answered(node, { life: asked.findLast((one) => one.node === node)?.id ?? "", word: wordOf(epoch) });
  const cut = (): void => {
    link = "offline";
  };
  return { clock, asked, settled, doubled, identities, answer, cut };
}

test("one answer, and nothing else heard for a while, settles which journal a node has", async () => {
  const { clock, settled, identities, answer } = asker();
  identities.ask("ship1");
  identities.ask("ship1");
  expect(answer("ship1", "e2")).toBe(true);
  identities.heard("ship1", "e2");
  expect(settled).toEqual([]);
  await clock.advance(5_000);
  expect(settled).toEqual([["ship1", "e2"]]);
  expect(answer("ship1", "e2")).toBe(false);
});

test("where two journals answer, or one answers and another is heard, nothing is settled until one of them is silent", async () => {
  const { clock, asked, settled, identities, answer } = asker();
  identities.ask("ship1");
  answer("ship1", "e2");
  answer("ship1", "e1");
  await clock.advance(5_000);
  answer("ship1", "e2");
  identities.heard("ship1", "e1");
  await clock.advance(10_000);
  expect(settled).toEqual([]);
  answer("ship1", "e2");
  await clock.advance(20_000);
  expect(settled).toEqual([["ship1", "e2"]]);
  expect(asked).toHaveLength(3);
});

test("a node that does not answer is asked again and again, more and more seldom; one that is held back is not believed", async () => {
  const { clock, asked, settled, doubled, identities, answer } = asker();
  doubled.add("ship1");
  identities.ask("ship1");
  await clock.advance(600_000);
  expect(asked.length).toBeGreaterThan(10);
  expect(asked.length).toBeLessThan(16);
  answer("ship1", "e2");
  await clock.advance(60_000);
  expect(settled).toEqual([]);
});

test("an answer to an earlier question, or to none, says nothing", async () => {
  const { clock, asked, settled, identities } = asker();
  expect(identities.answered("ship1", { life: "id0", word: wordOf("e1") })).toBe(false);
  identities.ask("ship1");
  await clock.advance(5_000);
  expect(identities.answered("ship1", { life: asked[0]?.id ?? "", word: wordOf("e1") })).toBe(false);
  await clock.advance(60_000);
  expect(settled).toEqual([]);
});

test("this node needs no answer of itself, but a broker, and nobody else of its name", async () => {
  const there = asker();
  there.identities.ask("central");
  await there.clock.advance(35_000);
  expect(there.settled).toEqual([["central", undefined]]);
  const away = asker();
  away.cut();
  away.identities.ask("central");
  await away.clock.advance(600_000);
  expect(away.settled).toEqual([]);
});
