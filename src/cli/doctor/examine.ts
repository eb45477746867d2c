import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Config } from "../../config/config.ts";
import type { AlertView } from "../../message/alert.ts";
import { EXIT, normalise, StewardError } from "../../message/errors.ts";
import type { Health, NodeView } from "../../runtime/operate/operations.ts";
import type { Cli } from "../cli.ts";
import { standsStill } from "../render/nodes.ts";
import { bytes, isoTime, span } from "../render/time.ts";
import type { Finding } from "./finding.ts";
import { journalAtRest } from "./journal.ts";

const LEAST_NODE = [20, 19] as const;
const LEAST_NATS = [2, 9, 10] as const;
/** A clock before this has not been set since the machine started. */
const STEWARD_IS_OLDER = Date.UTC(2025, 0, 1);
const SKEW_LIMIT = 5_000;
/** Nodes or lanes that are named in one line. */
const MOST_NAMED = 10;

export async function examine(cli: Cli): Promise<Finding[]> {
  const findings: Finding[] = [nodeVersion(process.versions.node), clock(cli.io.clock.now())];
  const config = await configuration(cli, findings);
  if (config !== undefined) {
    const data = await dataDirectory(config.data);
    findings.push(data, await natsServer(config, cli));
    if (data.verdict === "ok") findings.push(...(await journalAtRest(config, cli)));
  }
  // Without a configuration the daemon may still be named by --socket.
  const socket = await cli.socket().catch(() => undefined);
  if (socket === undefined) return findings;
  const health = await attempt("daemon", findings, async () => (await cli.daemon()).health());
  if (health === undefined) return findings;
  const nodes = await (await cli.daemon()).nodes().catch(() => []);
  findings.push(...daemon(health, nodes, cli.io.clock.now()));
  const letters = await (await cli.daemon()).dead().catch(() => []);
  findings.push(messages(nodes, letters.length));
  const alerts = await (await cli.daemon()).alerts().catch(() => []);
  findings.push(...raised(alerts, cli.io.clock.now()));
  return findings;
}

/**
 * A secret that is not set here may be set where the daemon runs, as systemd does it for a service: a file without any
 * other fault is looked at as if it were.
 */
async function configuration(cli: Cli, findings: Finding[]): Promise<Config | undefined> {
  const missing = new Set<string>();
  const filled = new Proxy(cli.io.env, {
    get: (env, name: string) => {
      if (!env[name]) missing.add(name);
      return env[name] || "set elsewhere";
    },
  });
  const config = await cli.reach.loadConfig(cli.configFile, filled).catch(() => undefined);
  const check = "config";
  if (config === undefined || missing.size === 0) return describe(await attempt(check, findings, () => cli.config()));
  const names = [...missing].join(", ");
  const text = `${summary(config)}; ${names} is not set here, so the login at the broker was not checked`;
  const remedy =
    "A service has it from /etc/steward/environment; a daemon started by hand needs it in its environment.";
  findings.push({ check, verdict: "warn", text, remedy });
  return config;

  function describe(found: Config | undefined): Config | undefined {
    if (found !== undefined) findings.push({ check, verdict: "ok", text: summary(found) });
    return found;
  }
}

function summary({ file, node, central }: Config): string {
  return `${file}: node ${node}, central ${central}`;
}

async function attempt<T>(check: string, findings: Finding[], look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (thrown) {
    const { message, remedy, exit } = normalise(thrown);
    findings.push({ check, verdict: "fail", text: message, remedy, exit });
    return undefined;
  }
}

function nodeVersion(version: string): Finding {
  if (atLeast(version, LEAST_NODE)) return { check: "node", verdict: "ok", text: `Node.js ${version}` };
  const remedy = `Install Node.js ${LEAST_NODE.join(".")} or newer.`;
  return { check: "node", verdict: "fail", text: `Node.js ${version} is too old`, remedy };
}

function clock(now: number): Finding {
  if (now >= STEWARD_IS_OLDER) return { check: "clock", verdict: "ok", text: `${isoTime(now)}` };
  const remedy = "Set the clock, or let NTP do it: deadlines and ids are made by it.";
  return { check: "clock", verdict: "warn", text: `it is ${isoTime(now)} here, which cannot be`, remedy };
}

async function dataDirectory(path: string): Promise<Finding> {
  const check = "data";
  const remedy = "Correct `data:` in steward.yaml, or the directory's owner and mode.";
  let existing = path;
  for (;;) {
    const found = await stat(existing).catch(() => undefined);
    if (found?.isDirectory()) break;
    if (found !== undefined) return { check, verdict: "fail", text: `${existing} is not a directory`, remedy };
    const parent = dirname(existing);
    if (parent === existing) return { check, verdict: "fail", text: `${path} cannot be made`, remedy };
    existing = parent;
  }
  const writable = await access(existing, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  if (!writable) return { check, verdict: "fail", text: `${existing} is not writable`, remedy };
  return {
    check,
    verdict: "ok",
    text: existing === path ? `${path} is writable` : `${path} is made at the first start`,
  };
}

async function natsServer(config: Config, cli: Cli): Promise<Finding> {
  const check = "nats-server";
  if (config.broker.embedded === null) {
    return { check, verdict: "ok", text: `not needed here, the broker is ${config.broker.servers.join(", ")}` };
  }
  const { findServerBinary } = await import("../../broker/server-binary.ts");
  const found: Finding[] = [];
  const binary = await attempt(check, found, () => findServerBinary(cli.io.env));
  if (binary === undefined) return found[0] ?? { check, verdict: "fail", text: "not found" };
  const text = `${binary.path}, version ${binary.version}`;
  if (atLeast(binary.version, LEAST_NATS)) return { check, verdict: "ok", text };
  return { check, verdict: "warn", text, remedy: `Install nats-server ${LEAST_NATS.join(".")} or newer.` };
}

function daemon(health: Health, nodes: readonly NodeView[], now: number): Finding[] {
  const { broker, journal, quarantined, stuck } = health;
  const findings: Finding[] = [
    {
      check: "daemon",
      verdict: "ok",
      text: `${health.node} answers, version ${health.version}, runs for ${span(now - health.startedAt)}`,
    },
  ];
  if (broker.state === "connected") {
    findings.push({
      check: "broker",
      verdict: "ok",
      text: `connected to ${broker.server ?? "a broker"} for ${span(now - broker.since)}`,
    });
  } else {
    const text = `${broker.state} for ${span(now - broker.since)}${broker.fault === undefined ? "" : `: ${broker.fault}`}`;
    const { remedy } = new StewardError(broker.code ?? "broker-unreachable");
    findings.push({ check: "broker", verdict: "fail", text, remedy, exit: EXIT.noDaemon });
  }
  if (broker.refused !== undefined) {
    const text = `connected, but it does not let this node ${broker.refused.join(", ")}`;
    const remedy = "Give this node's user that permission in the broker's configuration.";
    findings.push({ check: "permissions", verdict: "fail", text, remedy });
  }
  const filled = `${journal.state}, ${bytes(journal.bytes)} of ${bytes(journal.limit)}`;
  if (journal.state === "ok") findings.push({ check: "journal", verdict: "ok", text: filled });
  else {
    const remedy = "Free space on its disk, cancel what is not needed, or raise limits.journalBytes.";
    findings.push({ check: "journal", verdict: journal.state === "low" ? "warn" : "fail", text: filled, remedy });
  }
  if (quarantined.length > 0) {
    const remedy = `steward ps shows why; then: steward revive ${health.node} SUBJECT`;
    const text = `quarantined: ${worst(quarantined, "processes")}`;
    findings.push({ check: "processes", verdict: "warn", text, remedy });
  }
  for (const { role, subject, since, reason } of health.waiting ?? []) {
    const name = role === "core" ? subject : `${role} ${subject}`;
    const remedy = "Mend what it says; the daemon tries again by itself.";
    findings.push({
      check: "processes",
      verdict: "fail",
      text: `${name} does not work, and is tried again since ${span(now - since)}: ${reason}`,
      remedy,
    });
  }
  findings.push(...heldBack(nodes), ...standstills(stuck, nodes, now));
  const skewed = nodes.filter((node) => Math.abs(node.clockSkew ?? 0) >= SKEW_LIMIT);
  if (skewed.length > 0) {
    const texts = [...skewed]
      .sort((a, b) => Math.abs(b.clockSkew ?? 0) - Math.abs(a.clockSkew ?? 0))
      .map(
        (node) =>
          `${node.name} is ${span(Math.abs(node.clockSkew ?? 0))} ${(node.clockSkew ?? 0) < 0 ? "behind" : "ahead"}`,
      );
    const text = worst(texts, "nodes");
    findings.push({
      check: "clocks",
      verdict: "warn",
      text,
      remedy: "Set the clocks of these nodes: deadlines are decided by them.",
    });
  }
  return findings;
}

/** Lanes that do not move though their nodes are there: of this node, and as others say of themselves. */
function standstills(stuck: Health["stuck"], nodes: readonly NodeView[], now: number): Finding[] {
  const check = "lanes";
  const own = new Set(stuck.map(({ subject }) => subject));
  const told = nodes.flatMap(({ name, role, stuck: lanes = [] }) =>
    (role === "self" ? [] : lanes).flatMap((lane) =>
      own.has(lane.subject) ? [] : [`at ${name}, ${standsStill(lane, now)}`],
    ),
  );
  const texts = [...stuck.map((lane) => standsStill(lane, now)), ...told];
  if (texts.length === 0) return [];
  const remedy = "Mend the cause that is named; `steward node NODE` shows its lanes. Nothing is lost meanwhile.";
  return [{ check, verdict: "fail", text: worst(texts, "lanes"), remedy }];
}

/** Alerts that nobody has cleared and whose cause is not known to be gone. */
function raised(alerts: readonly AlertView[], now: number): Finding[] {
  const open = alerts.filter(({ state }) => state === "raised");
  if (open.length === 0) return [];
  const texts = open.map(
    ({ node, code, last, count }) =>
      `${code} at ${node}, ${span(Math.max(0, now - last))} ago${count === 1 ? "" : ` (${count} times)`}`,
  );
  const remedy = "`steward alerts` says more; `steward alerts clear NO` forgets what somebody has seen to.";
  return [{ check: "alerts", verdict: "warn", text: worst(texts, "alerts"), remedy }];
}

/** Nodes that nothing is sent to and nothing taken from. */
function heldBack(nodes: readonly NodeView[]): Finding[] {
  const texts = nodes.flatMap(({ heldBack: why }) => (why === undefined ? [] : [why]));
  if (texts.length === 0) return [];
  const { message: text, remedy } = new StewardError("node-cloned", { why: worst(texts, "names") });
  return [{ check: "names", verdict: "fail", text, remedy }];
}

/** The first few in one line, and how many there are. */
function worst(texts: readonly string[], what: string): string {
  const more = texts.length - MOST_NAMED;
  return more <= 0 ? texts.join("; ") : `${texts.slice(0, MOST_NAMED).join("; ")}; and ${more} more ${what}`;
}

/** The work before the daemon, by its own count: the nodes that most is owed to, and the sum. */
function messages(nodes: readonly NodeView[], letters: number): Finding {
  const owed = nodes.filter(({ waiting, running }) => waiting + running > 0);
  const sum = (count: (node: NodeView) => number): number => owed.reduce((all, node) => all + count(node), 0);
  const most = [...owed].sort((a, b) => b.waiting + b.running - a.waiting - a.running);
  const named = most.map(
    ({ name, waiting, running }) => `${name}: ${waiting} not acknowledged, ${running} without outcome`,
  );
  const all =
    owed.length <= MOST_NAMED
      ? []
      : [
          `${owed.length} nodes: ${sum(({ waiting }) => waiting)} messages not acknowledged, ${sum(({ running }) => running)} without outcome`,
        ];
  const parts = [...all, ...(named.length === 0 ? [] : [worst(named, "nodes (`steward nodes`)")])];
  if (letters > 0) parts.push(`${letters} dead letters (\`steward dead\`)`);
  return { check: "messages", verdict: "ok", text: parts.length === 0 ? "nothing is owed" : parts.join("; ") };
}

function atLeast(version: string, least: readonly number[]): boolean {
  const parts = version.split(/[.-]/).map(Number);
  for (const [i, wanted] of least.entries()) {
    const part = parts[i] ?? 0;
    if (part !== wanted) return part > wanted;
  }
  return true;
}
