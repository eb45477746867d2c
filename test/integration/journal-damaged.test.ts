import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { goldenAt } from "../golden/record.ts";
import { startFleet } from "../harness/fleet/fleet.ts";
import type { TestNode } from "../harness/fleet/test-node.ts";

/** A database with pages of noise: LMDB ends the process that reads it. */

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const PAGE = 4096;
/** LMDB's two first pages say where all others are. */
const FIRST = 2;

/** Ways to damage a page. Whether LMDB notices, or ends the process that reads, and by which signal, is its own affair. */
const WAYS = [
  ["every page with noise in its head", (page: Buffer) => page.fill(0xaa, 10, 200)],
  ["one page of ones", (page: Buffer, at: number) => at === 13 && page.fill(0xff)],
  ["one page of zeros", (page: Buffer, at: number) => at === 24 && page.fill(0)],
  ["every page of zeros", (page: Buffer) => page.fill(0)],
] as const;

/** A node that does not run, with a journal that is damaged so. */
async function damaged(way: (page: Buffer, at: number) => unknown): Promise<{ node: TestNode; journal: string }> {
  const { central } = await startFleet({ nodes: { central: {} }, away: ["central"] });
  const journal = central.stored("journal");
  goldenAt(journal);
  const file = join(journal, "data.mdb");
  const bytes = readFileSync(file);
  for (let at = FIRST; at < bytes.length / PAGE; at++) way(bytes.subarray(at * PAGE, (at + 1) * PAGE), at);
  writeFileSync(file, bytes);
  return { node: central, journal };
}

/** What its files hold, and when they were written. */
function filesOf(journal: string): unknown {
  return readdirSync(journal).map((name) => {
    const file = join(journal, name);
    return [name, statSync(file).mtimeMs, createHash("sha256").update(readFileSync(file)).digest("hex")];
  });
}

it.each(WAYS)("doctor survives a database with %s, says what it is, and changes nothing", async (_, way) => {
  const { node, journal } = await damaged(way);
  const before = filesOf(journal);
  const text = await node.steward("doctor");
  expect(text.code).toBe(1);
  expect(text.stdout).toContain(`✗ fail  journal`);
  const { code, stdout } = await node.steward("doctor", "--json");
  expect(code).toBe(1);
  const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: { check: string }[] };
  expect(ok).toBe(false);
  const finding = checks.find(({ check }) => check === "journal");
  const said = /files: data\.mdb was damaged \(/;
  expect(finding).toMatchObject({
    verdict: "fail",
    details: { path: journal },
    text: expect.stringMatching(said),
    remedy: expect.stringMatching(/^Keep a copy of /),
  });
  expect(text.stdout).toMatch(said);
  expect(filesOf(journal)).toEqual(before);
});

it("a daemon that dies as it starts is told of by each that comes after it, until one lives", async () => {
  const { central: node } = await startFleet({ nodes: { central: {} }, away: ["central"] });
  const died =
    /the last daemon died within 10 s of its start without a word(?:, (\d+) times in a row)?: .*steward doctor/;
  const times: (string | undefined)[] = [];
  for (let start = 0; start < 3; start++) {
    const daemon = await node.start();
    times.push(died.exec(daemon.stdout)?.[1]);
    expect(died.test(daemon.stdout)).toBe(start > 0);
    await node.kill();
  }
  expect(times).toEqual([undefined, undefined, "2"]);
  expect(died.exec((await node.start()).stdout)?.[1]).toBe("3");
  await node.stop();
  expect(died.test((await node.start()).stdout)).toBe(false);
});

it("a daemon whose database is damaged puts it aside, goes on with what can be read, and says so", async () => {
  const { node, journal } = await damaged((page) => page.fill(0));
  const before = readFileSync(join(journal, "data.mdb"));
  const { stdout } = await node.start();
  expect(stdout).toMatch(/journal-restored|data\.mdb was damaged/);
  expect(readFileSync(`${journal}-damaged-1.mdb`).equals(before)).toBe(true);
  await node.stop();
  expect((await node.start()).stdout).not.toContain("was damaged");
});
