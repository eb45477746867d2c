import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { ROOT, sourcesBelow } from "../repository/parts/sources.ts";
import { PROMTOOL, promtool } from "./promtool.ts";

const METRICS = new Set(
  sourcesBelow("src/observe/metrics").flatMap(({ text }) =>
    [...text.matchAll(/"(steward_\w+)"/g)].map(([, name]) => name),
  ),
);
const named = (text: string): string[] =>
  [...text.matchAll(/\bsteward_\w+/g)].map(([name]) => name.replace(/_(?:bucket|sum|count)$/, ""));
const read = (path: string): string => readFileSync(join(ROOT, "examples", path), "utf8");

test("the Grafana board and the alert rules name metrics that there are", () => {
  const { panels } = JSON.parse(read("grafana/fleet.json")) as { panels: { targets: { expr: string }[] }[] };
  const rules = (parse(read("prometheus/rules.yaml")) as { groups: { rules: { expr: string }[] }[] }).groups[0]?.rules;
  const expressions = [...panels.flatMap(({ targets }) => targets), ...(rules ?? [])].map(({ expr }) => expr);
  expect(expressions.length).toBeGreaterThan(12);
  expect(expressions.flatMap(named).filter((name) => !METRICS.has(name))).toEqual([]);
});

test.runIf(PROMTOOL !== undefined)("the alert rules have no fault for `promtool check rules`", () => {
  expect(promtool(["check", "rules", join(ROOT, "examples/prometheus/rules.yaml")])).toBe("");
});
