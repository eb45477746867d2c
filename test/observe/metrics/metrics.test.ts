import { closeSync, openSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Counters, OTHER } from "../../../src/observe/metrics/counters.ts";
import { type Metrics, openMetrics } from "../../../src/observe/metrics/metrics.ts";
import type { LaneReading, NodeReading, ProcessReading, Readings } from "../../../src/observe/metrics/readings.ts";
import { PROMTOOL, promtool } from "../../examples/promtool.ts";
import { SimulatedClock } from "../../harness/clock.ts";
import { listLog } from "../../harness/list-log.ts";

type State = { -readonly [K in keyof Readings]: ReturnType<Readings[K]> };

interface Family {
  type: string;
  samples: Map<string, number>;
}

/** A strict reader of the text exposition format; throws on any line that does not fit. */
function parse(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  let family: Family | undefined;
  let name = "";
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const head = /^# (HELP|TYPE) ([a-z_:][a-z0-9_:]*) (.+)$/.exec(line);
    if (head !== null) {
      const [, what, of = "", rest = ""] = head;
      if (what === "TYPE") {
        if (families.has(of)) throw new Error(`${of} twice`);
        family = { type: rest, samples: new Map() };
        name = of;
        families.set(of, family);
      }
      continue;
    }
    const sample = /^([a-z_:][a-z0-9_:]*(?:\{(?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)*\})?) (-?[0-9.e+-]+|NaN|\+Inf)$/.exec(
      line,
    );
    const [, key = "", value = ""] = sample ?? [];
    if (family === undefined || sample === null || !key.startsWith(name))
      throw new Error(`not exposition format: ${line}`);
    if (family.samples.has(key)) throw new Error(`${key} twice`);
    family.samples.set(key, Number(value.replace("+Inf", "Infinity")));
  }
  return families;
}

describe("the metrics", () => {
  let clock: SimulatedClock;
  let counters: Counters;
  let metrics: Metrics;
  let state: State;
  beforeEach(() => {
    clock = new SimulatedClock();
    counters = new Counters(listLog(), clock);
    state = {
      nodes: [
        { name: "ship1", link: "online", commands: 2 },
        { name: "ship2", link: "offline", commands: 3 },
      ],
      lanes: [
        { subject: "ship1.command.a.b", waiting: 2, inFlight: 1, oldest: 1_500 },
        { subject: "ship2.command.a.b", waiting: 7, inFlight: 0, oldest: 90_000, stuckFor: 30_000 },
        { subject: "ship2.command.a.b", waiting: 1, inFlight: 3, oldest: null },
      ],
      journal: { state: "low", bytes: 900, limit: 1_000 },
      link: "connected",
      processes: [
        { subject: "ship1.command.a.b", role: "subscriber", state: "quarantined", restarts: 5 },
        { subject: "ship2.command.a.b", role: "subscriber", state: "idle", restarts: 0 },
      ],
      deadLetters: 3,
    };
    metrics = openMetrics(
      counters,
      {
        nodes: () => state.nodes,
        lanes: () => state.lanes,
        journal: () => state.journal,
        link: () => state.link,
        processes: () => state.processes,
        deadLetters: () => state.deadLetters,
      },
      "1.2.3",
      clock,
    );
  });
  afterEach(() => {
    metrics.stop();
    counters.stop();
  });
  const scrape = async (): Promise<(key: string) => number | undefined> => {
    const families = parse(await metrics.text());
    const all = new Map([...families.values()].flatMap((family) => [...family.samples]));
    return (key) => all.get(key);
  };

  test("are valid text exposition, with the names and units of Prometheus", async () => {
    const families = parse(await metrics.text());
    for (const [name, { type }] of families) {
      expect(name).toMatch(/^(steward|process|nodejs)_[a-z_]+$/);
      expect(name.endsWith("_total"), name).toBe(type === "counter");
      expect(["counter", "gauge", "histogram"]).toContain(type);
    }
    expect(metrics.contentType).toBe("text/plain; version=0.0.4; charset=utf-8");
  });

  test.runIf(PROMTOOL !== undefined)("have no fault for `promtool check metrics`", async () => {
    expect(promtool(["check", "metrics"], await metrics.text())).toBe("");
  });

  test("show at a scrape what was counted before it, and never lose or double it", async () => {
    counters.submitted.command += 3;
    counters.accepted.event += 2;
    counters.resent = 4;
    counters.duplicates = 5;
    counters.deadLetters = 6;
    counters.outcomes.timedOut++;
    const ship = counters.node("ship1");
    ship.framesOut += 10;
    ship.bytesOut += 1_000;
    ship.framesIn++;
    ship.bytesIn += 50;
    counters.refuse('odd "reason"\\\n');
    counters.drop("syslog-full", 9);
    for (let i = 0; i < 2; i++) {
      const at = await scrape();
      expect(at('steward_messages_submitted_total{kind="command"}')).toBe(3);
      expect(at('steward_messages_submitted_total{kind="event"}')).toBe(0);
      expect(at('steward_messages_accepted_total{kind="event"}')).toBe(2);
      expect(at("steward_messages_resent_total")).toBe(4);
      expect(at("steward_messages_duplicate_total")).toBe(5);
      expect(at("steward_messages_dead_lettered_total")).toBe(6);
      expect(at('steward_outcomes_total{state="timedOut"}')).toBe(1);
      expect(at('steward_outcomes_total{state="succeeded"}')).toBe(0);
      expect(at('steward_frames_sent_total{node="ship1"}')).toBe(10);
      expect(at('steward_sent_bytes_total{node="ship1"}')).toBe(1_000);
      expect(at('steward_frames_received_total{node="ship1"}')).toBe(1);
      expect(at('steward_received_bytes_total{node="ship1"}')).toBe(50);
      expect(at('steward_dropped_total{reason="syslog-full"}')).toBe(9);
      expect(at('steward_refused_total{reason="odd \\"reason\\"\\\\\\n"}')).toBe(1);
    }
  });

  test("read the state at the scrape", async () => {
    const at = await scrape();
    expect(at('steward_node_link{node="ship2",link="offline"}')).toBe(1);
    expect(at('steward_node_link{node="ship2",link="online"}')).toBe(0);
    expect(at('steward_nodes{link="online"}')).toBe(1);
    expect(at('steward_lane_waiting_messages{subject="ship2.command.a.b"}')).toBe(8);
    expect(at('steward_lane_in_flight_messages{subject="ship2.command.a.b"}')).toBe(3);
    expect(at('steward_lane_oldest_unacknowledged_seconds{subject="ship1.command.a.b"}')).toBe(1.5);
    expect(at('steward_lane_oldest_unacknowledged_seconds{subject="ship2.command.a.b"}')).toBe(90);
    expect(at("steward_oldest_unacknowledged_seconds")).toBe(90);
    expect(at('steward_lane_stuck_seconds{subject="ship1.command.a.b"}')).toBe(0);
    expect(at('steward_lane_stuck_seconds{subject="ship2.command.a.b"}')).toBe(30);
    expect(at("steward_journal_bytes")).toBe(900);
    expect(at("steward_journal_limit_bytes")).toBe(1_000);
    expect(at('steward_journal_state{state="low"}')).toBe(1);
    expect(at('steward_journal_state{state="ok"}')).toBe(0);
    expect(at("steward_broker_connected")).toBe(1);
    expect(at("steward_dead_letters")).toBe(3);
    expect(at('steward_processes{role="subscriber",state="quarantined"}')).toBe(1);
    expect(at('steward_process_restarts_total{subject="ship1.command.a.b",role="subscriber"}')).toBe(5);

    state.link = "denied";
    expect(at('steward_commands_open{state="known"}')).toBe(2);
    expect(at('steward_commands_open{state="unknown"}')).toBe(3);

    state.nodes = [{ name: "ship1", link: "late", commands: 0 }];
    const later = await scrape();
    expect(later("steward_broker_connected")).toBe(0);
    expect(later('steward_node_link{node="ship1",link="late"}')).toBe(1);
    expect(later('steward_node_link{node="ship2",link="offline"}')).toBeUndefined();
  });

  test("histograms are cumulative and end with everything", async () => {
    for (const seconds of [0.02, 0.02, 7, 10_000]) counters.runSeconds.observe(seconds);
    const at = await scrape();
    expect(at('steward_command_run_seconds_bucket{le="0.01"}')).toBe(0);
    expect(at('steward_command_run_seconds_bucket{le="0.05"}')).toBe(2);
    expect(at('steward_command_run_seconds_bucket{le="10"}')).toBe(3);
    expect(at('steward_command_run_seconds_bucket{le="+Inf"}')).toBe(4);
    expect(at("steward_command_run_seconds_count")).toBe(4);
    expect(at("steward_command_run_seconds_sum")).toBeCloseTo(10_007.04);
  });

  test("series stay bounded with a large fleet, and the totals stay true", async () => {
    const many = 5_000;
    state.nodes = Array.from({ length: many }, (_, i): NodeReading => ({ name: `n${i}`, link: "online", commands: 0 }));
    state.lanes = Array.from(
      { length: many },
      (_, i): LaneReading => ({ subject: `n${i}.command.a.b`, waiting: i === 4_999 ? 50 : 1, inFlight: 0, oldest: i }),
    );
    state.processes = Array.from(
      { length: many },
      (_, i): ProcessReading => ({ subject: `n${i}.command.a.b`, role: "publisher", state: "idle", restarts: 1 }),
    );
    const text = await metrics.text();
    expect(text.split("\n").length).toBeLessThan(12_000);
    const at = await scrape();
    expect(at('steward_nodes{link="online"}')).toBe(many);
    expect(at('steward_lane_waiting_messages{subject="n4999.command.a.b"}')).toBe(50);
    expect(at(`steward_lane_waiting_messages{subject="${OTHER}"}`)).toBe(many - 1_000);
    expect(at(`steward_process_restarts_total{subject="${OTHER}",role="${OTHER}"}`)).toBe(many - 1_000);
  });

  test("the process shows its memory, its CPU time, its age and its descriptors", async () => {
    const before = { cpu: process.cpuUsage(), uptime: process.uptime() };
    const at = await scrape();
    const [resident = 0, heap = 0] = ["process_resident_memory_bytes", "nodejs_heap_size_used_bytes"].map(at);
    expect(heap).toBeGreaterThan(1e6);
    expect(resident).toBeGreaterThan(heap);
    const cpu = at("process_cpu_seconds_total");
    expect(cpu).toBeGreaterThanOrEqual((before.cpu.user + before.cpu.system) / 1e6);
    const now = process.cpuUsage();
    expect(cpu).toBeLessThanOrEqual((now.user + now.system) / 1e6);
    expect(at("process_uptime_seconds")).toBeGreaterThanOrEqual(before.uptime);
    expect(at("process_uptime_seconds")).toBeLessThanOrEqual(process.uptime());
    expect(at(`steward_build_info{version="1.2.3",node_version="${process.version}"}`)).toBe(1);
  });

  test.runIf(process.platform === "linux")("descriptors that the process opens are counted", async () => {
    const before = (await scrape())("process_open_fds") ?? 0;
    const opened = Array.from({ length: 20 }, () => openSync("/dev/null", "r"));
    const after = (await scrape())("process_open_fds") ?? 0;
    for (const descriptor of opened) closeSync(descriptor);
    // The test runner opens and closes some of its own.
    expect(after - before).toBeGreaterThan(10);
    expect(after - before).toBeLessThan(30);
  });

  test("a loop that stands still shows its delay at the next scrape, and not at the one after that", async () => {
    const longest = async (): Promise<number> =>
      (await scrape())('steward_event_loop_lag_seconds{quantile="1"}') ?? Number.NaN;
    await longest();
    const turns = async (ms: number): Promise<void> => {
      for (const until = performance.now() + ms; performance.now() < until; ) await new Promise(setImmediate);
    };
    await turns(60);
    const until = performance.now() + 400;
    while (performance.now() < until);
    await turns(60);
    const stood = await longest();
    expect(stood).toBeGreaterThan(0.3);
    await turns(60);
    expect(await longest()).toBeLessThan(stood);
  });

  test("the lag of the event loop is sampled only while somebody scrapes: it costs fifty wake-ups a second", async () => {
    const lag = (at: (key: string) => number | undefined) =>
      ["0.5", "0.99", "1"].map((quantile) => at(`steward_event_loop_lag_seconds{quantile="${quantile}"}`));
    const nothing = [undefined, undefined, undefined];
    expect(lag(await scrape())).toEqual(nothing);
    for (const value of lag(await scrape())) expect(value).toBeGreaterThanOrEqual(0);
    await clock.advance(11 * 60_000);
    expect(lag(await scrape())).toEqual(nothing);
  });
});
