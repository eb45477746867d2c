import { expect, test } from "vitest";
import { type AlertRule, AlertRules, type Finding } from "../../../src/observe/alerting/alert-rules.ts";

const MINUTE = 60_000;
const RULE: AlertRule = {
  when: "offline",
  nodes: "all",
  for: 5 * MINUTE,
  recover: 2 * MINUTE,
  repeat: null,
  to: ["pager"],
};

/** Rules that are looked at every ten seconds. */
class Watch {
  rules = new AlertRules();
  now = Date.UTC(2026, 10, 30);
  found: Finding[] = [];
  muted = new Set<string>();
  rule = RULE;
  readonly told: string[] = [];

  pass(ms: number): this {
    for (const end = this.now + ms; this.now < end; ) {
      this.now += 10_000;
      const look = this.rules.look(
        { away: this.rule },
        () => this.found,
        this.now,
        (node) => this.muted.has(node),
      );
      for (const { body } of look.notices) this.told.push(String(body.text));
    }
    return this;
  }

  offline(...nodes: string[]): this {
    this.found = nodes.map((node) => ({ node, text: `${node} is offline` }));
    return this;
  }

  restart(): this {
    this.rules = new AlertRules(JSON.parse(JSON.stringify(this.rules.stored)));
    return this;
  }
}

test("a condition is told once it has lasted, once, and its end once it is gone for a while", () => {
  const watch = new Watch().offline("ship1").pass(5 * MINUTE);
  expect(watch.told).toEqual([]);
  watch.pass(MINUTE);
  expect(watch.told).toEqual(["away: ship1 is offline"]);
  watch.pass(60 * MINUTE);
  expect(watch.told).toHaveLength(1);
  // A return that does not last is no end.
  watch
    .offline()
    .pass(MINUTE)
    .offline("ship1")
    .pass(10 * MINUTE)
    .offline();
  expect(watch.pass(2 * MINUTE).told).toHaveLength(1);
  expect(watch.pass(MINUTE).told).toEqual(["away: ship1 is offline", "away: over: ship1 is offline"]);
  expect(watch.rules.open()).toEqual([]);
});

test("a condition that is gone before its time is never told", () => {
  const watch = new Watch()
    .offline("ship1")
    .pass(4 * MINUTE)
    .offline()
    .pass(MINUTE)
    .offline("ship1")
    .pass(4 * MINUTE);
  expect(watch.told).toEqual([]);
});

test("since when a condition holds is counted from its beginning, where that is known", () => {
  const watch = new Watch();
  watch.found = [{ node: "ship1", text: "ship1 is offline", since: watch.now - 10 * MINUTE }];
  expect(watch.pass(MINUTE).told).toHaveLength(1);
});

test("many nodes that become so at about the same time are one alert", () => {
  const watch = new Watch();
  const ships = Array.from({ length: 30 }, (_, i) => `ship${i}`);
  for (let i = 1; i <= 30; i += 10) watch.offline(...ships.slice(0, i)).pass(10_000);
  watch.offline(...ships).pass(10 * MINUTE);
  expect(watch.told).toEqual([expect.stringMatching(/^away: 30 nodes: ship0, ship1, ship10, .* and 20 more$/)]);
  watch.offline().pass(5 * MINUTE);
  expect(watch.told).toHaveLength(2);
  expect(watch.told[1]).toMatch(/^away: over: 30 nodes: /);
});

test("an alert is told again while it lasts, where the rule says so", () => {
  const watch = new Watch();
  watch.rule = { ...RULE, repeat: 60 * MINUTE };
  watch.offline("ship1").pass(130 * MINUTE);
  expect(watch.told).toEqual([
    "away: ship1 is offline",
    "away: still: ship1 is offline",
    "away: still: ship1 is offline",
  ]);
});

test("a muted node is told of when its mute is over and the condition still holds, or never", () => {
  const watch = new Watch();
  watch.muted.add("ship1");
  watch.offline("ship1", "ship2").pass(60 * MINUTE);
  expect(watch.told).toEqual(["away: ship2 is offline"]);
  expect(watch.rules.open().map(({ node, toldAt }) => [node, toldAt !== undefined])).toEqual([
    ["ship1", false],
    ["ship2", true],
  ]);
  watch.muted.clear();
  expect(watch.pass(MINUTE).told[1]).toBe("away: ship1 is offline");
  const silent = new Watch();
  silent.muted.add("ship1");
  silent
    .offline("ship1")
    .pass(60 * MINUTE)
    .offline()
    .pass(60 * MINUTE);
  silent.muted.clear();
  expect(silent.pass(60 * MINUTE).told).toEqual([]);
});

test("what was told before a restart is not told again after it, and its end is", () => {
  const watch = new Watch()
    .offline("ship1")
    .pass(10 * MINUTE)
    .restart()
    .pass(10 * MINUTE);
  expect(watch.told).toHaveLength(1);
  watch
    .offline()
    .pass(MINUTE)
    .restart()
    .pass(5 * MINUTE);
  expect(watch.told).toEqual(["away: ship1 is offline", "away: over: ship1 is offline"]);
});

test("a clock that goes back delays an alert by no more than its own time", () => {
  const watch = new Watch().offline("ship1").pass(3 * MINUTE);
  watch.now -= 60 * MINUTE;
  expect(watch.pass(6 * MINUTE).told).toHaveLength(1);
  watch.now -= 60 * MINUTE;
  expect(watch.offline().pass(4 * MINUTE).told).toHaveLength(2);
});

test("a rule that is no more is forgotten with what it had found", () => {
  const watch = new Watch().offline("ship1").pass(10 * MINUTE);
  expect(
    watch.rules.look(
      {},
      () => [],
      watch.now,
      () => false,
    ),
  ).toEqual({ notices: [], changed: true });
  expect(watch.rules.open()).toEqual([]);
});
