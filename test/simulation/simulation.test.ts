import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { tempDir } from "../harness/temp.ts";
import { campaign, type Failure, replay, shortened, story } from "./campaign.ts";
import { generate } from "./generate.ts";
import { play } from "./play.ts";
import { DEFAULT_FAULTS, type Fault, type Script } from "./script.ts";
import { shrink } from "./shrink.ts";

const FIRST = 1;
const SEEDS = 200;

/** In words, for a failing test: the line that replays it and the shortest script found. */
async function told(failures: readonly Failure[], nodes: number, faults: readonly Fault[]): Promise<string[]> {
  const directory = await mkdtemp(join(tmpdir(), "steward-simulation-"));
  try {
    const [first, ...others] = failures;
    if (first === undefined) return [];
    const shortest = `${replay(first, { nodes, faults })}\n${story(await shortened(first, directory))}`;
    return [shortest, ...others.map((failure) => replay(failure, { nodes, faults }))];
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

test.each([
  [2, SEEDS],
  [5, 20],
])(
  "nothing is lost, nothing runs twice: all faults, %i nodes, %i seeds",
  { timeout: 600_000 },
  async (nodes, seeds) => {
    const options = { first: FIRST, seeds, nodes, faults: DEFAULT_FAULTS, directory: await tempDir() };
    const { total, failures } = await campaign(options);
    expect(await told(failures, nodes, DEFAULT_FAULTS)).toEqual([]);
    expect(total).toMatchObject({ seeds, lost: 0, doubled: 0, violations: 0 });
    // Faults that keep every message from being sent would find nothing.
    expect(total.messages).toBeGreaterThan(20 * seeds);
    // What a lost disk held alone is no longer asked for.
    expect(total.ok).toBeGreaterThan(0.85 * total.messages);
  },
);

test("the same seed gives the same run, and a script survives being stored as text", async () => {
  const directory = await tempDir();
  const script = generate(4711, { nodes: 2, faults: DEFAULT_FAULTS });
  expect(generate(4711, { nodes: 2, faults: DEFAULT_FAULTS })).toEqual(script);
  const { fingerprint } = await play(script, directory);
  const stored = JSON.parse(JSON.stringify(script)) as Script;
  expect(stored).toEqual(script);
  expect((await play(stored, directory)).fingerprint).toBe(fingerprint);
  expect(generate(4712, { nodes: 2, faults: DEFAULT_FAULTS }).steps).not.toEqual(script.steps);
});

test("a fault that was not asked for is not used", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const { steps } = generate(seed, { nodes: 2, faults: ["crash"] });
    const verbs = new Set(steps.map((step) => step.do));
    for (const other of [
      "stop",
      "cut",
      "link",
      "clock",
      "slowSink",
      "diskFault",
      "loseDisk",
      "broker",
      "cancel",
    ] as const) {
      expect(verbs, `seed ${seed}`).not.toContain(other);
    }
    expect(steps.filter((step) => step.do === "crash" && (step.keep !== undefined || step.power === true))).toEqual([]);
  }
});

test("a day of a quiet fleet passes without a fault", { timeout: 120_000 }, async () => {
  const day = 24 * 3_600_000;
  const script: Script = { seed: 1, nodes: ["ship1"], steps: [{ do: "wait", ms: day }] };
  const { violations, simulated } = await play(script, await tempDir());
  expect(violations).toEqual([]);
  expect(simulated).toBeGreaterThan(day);
});

test("a failing script is shortened to what makes it fail", async () => {
  const script = generate(2, { nodes: 3, faults: DEFAULT_FAULTS });
  const wait = { do: "wait", ms: 1234 } as const;
  const cut = { do: "cut", node: "ship2" } as const;
  const steps = [...script.steps.slice(0, 9), cut, ...script.steps.slice(9), wait];
  let asked = 0;
  const shortest = await shrink({ ...script, steps }, async (candidate) => {
    asked++;
    const at = candidate.steps.findIndex((step) => step.do === "cut");
    return at >= 0 && candidate.steps.slice(at).some((step) => step.do === "wait" && step.ms >= 100);
  });
  expect(shortest.steps).toEqual([cut, { do: "wait", ms: expect.any(Number) }]);
  expect(shortest.steps[1]).toMatchObject({ ms: expect.toSatisfy((ms: number) => ms < 1000) });
  expect(shortest.nodes).toEqual(["ship2"]);
  expect(asked).toBeLessThanOrEqual(400);
});
