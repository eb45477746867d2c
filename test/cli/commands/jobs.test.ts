import { lstatSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { JobDetail } from "../../../src/runtime/operate/table/jobs.ts";
import { world as openWorld, type World } from "../world.ts";

const ID = "01K9ZD3Q5V0000000000000001";
let world: World;

beforeEach(async () => {
  world = await openWorld();
});

function sample(more: Partial<JobDetail> = {}): JobDetail {
  const now = world.ops.clock.now();
  const none = {
    held: 0,
    queued: 0,
    received: 0,
    running: 0,
    unknown: 0,
    succeeded: 0,
    failed: 0,
    rejected: 0,
    expired: 0,
    cancelled: 0,
  };
  return {
    ...{
      id: ID,
      createdAt: now - 60_000,
      by: "local",
      target: "class=tanker",
      note: "",
      subject: "command.shellcommand.operatingsystem",
    },
    ...{
      summary: "uptime",
      state: "paused",
      since: now - 5_000,
      cause: "1 failed, at most 0 may be",
      nodes: 4,
      wave: 0,
      waves: [2, 4],
    },
    ...{ counts: { ...none, succeeded: 1, failed: 1, held: 2 }, beginAt: null, untilAt: null, inReach: 0, slowest: [] },
    plan: {
      ...{ waves: ["50%", "100%"], soak: 60_000, gate: null, atOnce: null, rate: null, ifAway: "queue" },
      ...{
        bounds: { failed: { most: 0, unit: "nodes", action: "pause" } },
        every: null,
        window: null,
        zone: null,
        approval: false,
      },
    },
    attempts: [{ at: now - 60_000, of: "all", nodes: 4 }],
    holds: [{ reason: "wave", text: "the job is paused", nodes: 2 }],
    ...more,
  };
}

async function said(argv: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const run = world.start(argv);
  return { code: await run.code, out: run.out(), err: run.err() };
}

describe("jobs and job", () => {
  it("list jobs with their counts", async () => {
    world.ops.jobList = [sample()];
    expect(await said(["jobs"])).toEqual({
      code: 0,
      err: "",
      out: [
        "JOB                         STATE     SINCE    NODES  COUNTS                               WHAT",
        `${ID}  ‖ paused  5 s ago      4  ‖ 2 held, ✓ 1 succeeded, ✗ 1 failed  uptime`,
        "",
      ].join("\n"),
    });
  });

  it("show one job: its waves, its counts, what it waits for, and what to look at next", async () => {
    world.ops.jobList = [sample()];
    const { code, out, err } = await said(["job", "01k9zd3"]);
    expect(code).toBe(0);
    expect(out).toContain("state    ‖ paused, 5 s ago: 1 failed, at most 0 may be\n");
    expect(out).toContain("waves    [2] · 2 nodes, 1 min after each\n");
    expect(out).toContain("stops    failed > 0: pause\n");
    expect(out).toContain("  2 nodes held (wave): the job is paused\n");
    expect(err).toContain(`steward job ${ID} --state failed`);
  });

  it("list the nodes behind a count, as a table and as lines of JSON", async () => {
    world.ops.jobList = [sample()];
    const failed = {
      place: 2,
      node: "ship2",
      id: "01K9ZD3Q5V0000000000000003",
      attempt: 1,
      kind: "failed",
      state: "timedOut",
      reason: "ran longer than 1 s",
    } as const;
    world.ops.jobNodeList = [{ ...failed, place: 1, node: "ship1", kind: "succeeded", state: "succeeded" }, failed];
    expect((await said(["job", ID, "--state", "failed"])).out).toBe(
      [
        "NODE   STATE        MESSAGE                     WHY",
        `ship2  ✗ timed out  ${failed.id}  ran longer than 1 s`,
        "",
      ].join("\n"),
    );
    const lines = (await said(["job", ID, "--jsonl"])).out.trim().split("\n");
    expect(lines.map((line) => JSON.parse(line).node)).toEqual(["ship1", "ship2"]);
    expect(await said(["job", ID, "--state", "broken"])).toMatchObject({ code: 2 });
  });

  it("print equal outputs once, and others as differences", async () => {
    world.ops.jobList = [sample()];
    world.ops.jobResultList = [
      { kind: "succeeded", code: 0, nodes: ["ship1", "ship2"], stdout: "a\nb\nc\n", stderr: "" },
      { kind: "failed", code: 1, nodes: ["ship3"], stdout: "a\nx\nc\n", stderr: "no\n" },
    ];
    expect((await said(["job", ID, "--group"])).out).toBe(
      [
        "2 nodes  ✓ succeeded, exit 0: ship1, ship2",
        ...["  a", "  b", "  c"],
        "1 node  ✗ failed, exit 1: ship3",
        ...["  - b", "  + x", "  + no"],
        "",
      ].join("\n"),
    );
  });

  it("write the output of each node into a file that is called for it", async () => {
    world.ops.jobList = [sample()];
    const [message] = world.ops.messageList;
    world.ops.jobNodeList = [
      { place: 1, node: "ship1", id: message?.id ?? "", attempt: 1, kind: "succeeded", state: "succeeded" },
    ];
    const out = join(world.directory, "results");
    expect(await said(["job", ID, "--out", "results"])).toMatchObject({ code: 0, err: `wrote 1 file to ${out}\n` });
    expect(readdirSync(out)).toEqual(["ship1.stdout"]);
    expect(readFileSync(join(out, "ship1.stdout"), "utf8")).toBe("Linux\n");

    // A link that somebody put in the place of such a file is replaced, and its target left alone.
    const elsewhere = join(world.directory, "elsewhere");
    writeFileSync(elsewhere, "mine\n");
    rmSync(join(out, "ship1.stdout"));
    symlinkSync(elsewhere, join(out, "ship1.stdout"));
    expect(await said(["job", ID, "--out", "results"])).toMatchObject({ code: 0 });
    expect(readFileSync(elsewhere, "utf8")).toBe("mine\n");
    expect(lstatSync(join(out, "ship1.stdout")).isFile()).toBe(true);
  });

  it("write no output outside of the folder, whatever a daemon calls a node", async () => {
    world.ops.jobList = [sample()];
    const [message] = world.ops.messageList;
    for (const node of ["../evil", "/evil", "..", "a/../../evil", "x\0y", "n".repeat(300)]) {
      world.ops.jobNodeList = [
        { place: 1, node, id: message?.id ?? "", attempt: 1, kind: "succeeded", state: "succeeded" },
      ];
      const { code } = await said(["job", ID, "--out", "results"]);
      const written = readdirSync(world.directory, { recursive: true }).map(String);
      expect(
        written.filter((path) => /evil/.test(path)),
        node,
      ).toEqual([]);
      if (node !== "..") expect(code, node).not.toBe(0);
    }
  });

  it("write bytes that are no text as they are, and tell of what a node has not kept", async () => {
    const [message] = world.ops.messageList;
    const id = message?.id ?? "";
    world.ops.jobList = [sample()];
    world.ops.jobNodeList = [{ place: 1, node: "ship1", id, attempt: 1, kind: "succeeded", state: "succeeded" }];
    world.ops.assert(id, "succeeded", {
      output: [
        { stream: "stdout", offset: 0, text: Buffer.from([0xff, 0xfe]).toString("base64"), encoding: "base64" },
        { stream: "stdout", offset: 1026, text: "end\n" },
      ],
    });
    const { code, err } = await said(["job", ID, "--out", "results"]);
    expect(readFileSync(join(world.directory, "results", "ship1.stdout"))).toEqual(
      Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from("end\n")]),
    );
    expect(err).toContain("ship1 ! … 1.0 KB of stdout were not kept …\n");
    expect(code).toBe(1);
  });

  it("steer a job, and tell the three answers to a cancel", async () => {
    world.ops.jobList = [sample({ state: "cancelled", cause: "cancel by local" })];
    world.ops.jobAnswers = [
      { node: "ship1", id: "1", kind: "done" },
      { node: "ship2", id: "2", kind: "requested" },
      { node: "ship3", id: "3", kind: "done" },
    ];
    const { out } = await said(["job", "cancel", ID]);
    expect(out).toContain(`${ID} ⊘ cancelled: cancel by local\n`);
    expect(out).toContain("  2 nodes: taken back, it had not been sent\n  1 node: asked to end it\n");
    expect(world.ops.calls).toContainEqual(expect.objectContaining({ operation: "steerJob", args: [ID, "cancel"] }));
    expect(await said(["job", "retry", ID, "--failed", "--unknown"])).toMatchObject({ code: 2 });
    await said(["job", "retry", ID, "--failed", "--no-wait"]);
    expect(world.ops.calls).toContainEqual(
      expect.objectContaining({ operation: "retryJob", args: [ID, { of: "failed" }] }),
    );
  });

  it("make a run with a plan a job, follow it while something of it moves, and end with the exit code of a run", async () => {
    world.ops.jobList = [sample()];
    const run = world.start([
      "run",
      "ship1,ship2",
      "--waves",
      "1,100%",
      "--max",
      "failed=2:abort",
      "--soak",
      "5m",
      "--",
      "uptime",
    ]);
    expect(await run.code).toBe(1);
    const created = world.ops.calls.find((call) => call.operation === "createJob");
    expect(created?.args).toEqual([
      {
        ...{ to: "ship1,ship2", written: "ship1,ship2", waves: "1,100%", max: ["failed=2:abort"], soak: 300_000 },
        ...{ data: ["uptime"], knownNodesOnly: true, subject: "command.shellcommand.operatingsystem" },
      },
    ]);
    expect(run.err()).toContain(`job ${ID} over 4 nodes`);
    expect(run.err()).toContain(`go on with: steward job resume ${ID}`);
    expect(run.out()).toBe("");
  });

  it("leave a job that runs when they are interrupted, and say how to come back", async () => {
    world.ops.jobList = [sample({ state: "running", cause: "", inReach: 1 })];
    const run = world.start(["job", ID, "--follow"]);
    await run.shows("running, wave 1 of 2");
    run.signal("SIGINT");
    expect(await run.code).toBe(1);
    expect(run.err()).toContain(`come back with: steward job ${ID} --follow`);
    expect(run.listeners()).toBe(0);
  });

  it("leave a job also when they are interrupted while it is being ordered", async () => {
    world.ops.jobList = [sample({ state: "running", cause: "", inReach: 1 })];
    const create = world.ops.createJob.bind(world.ops);
    world.ops.createJob = (order) => {
      run.signal("SIGINT");
      return create(order);
    };
    const run = world.start(["run", "ship1,ship2", "--waves", "1,100%", "--", "uptime"]);
    expect(await run.code).toBe(1);
    expect(run.err()).toContain(`job ${ID} over 4 nodes`);
    expect(run.err()).toContain(`come back with: steward job ${ID} --follow`);
    expect(run.listeners()).toBe(0);
  });

  it("are found by the beginning of an id, jobs and messages alike", async () => {
    world.ops.jobList = [sample()];
    expect((await said(["status", ID.slice(0, 12)])).out).toContain(`job      ${ID}`);
    const [message] = world.ops.messageList;
    expect((await said(["status", message?.id ?? ""])).out).toContain(`message    ${message?.id}`);
    expect(await said(["status", "ZZZZ"])).toMatchObject({ code: 2 });
    world.ops.jobList = [sample(), sample({ id: `${ID.slice(0, -1)}Z`, state: "paused", note: "for the season" })];
    const several = await said(["status", ID.slice(0, 12)]);
    expect(several).toMatchObject({ code: 2 });
    expect(several.out).toMatch(new RegExp(`^ID +STATE +SINCE +WHAT\\n${ID} +job `));
    expect(several.out).toMatch(/Z +job +‖ paused .*\(for the season\)\n/);
    expect(several.err).toContain(`${ID.slice(0, 12)} fits all of these: write more of the one that is meant`);
  });
});
