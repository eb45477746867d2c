import { constants } from "node:fs";
import { access, lstat, readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Config } from "../../config/config.ts";
import type { AlertView } from "../../message/care/alert.ts";
import { EXIT, normalise, StewardError } from "../../message/errors.ts";
import { bytes, span } from "../../message/text/figures.ts";
import type { ErrandView } from "../../runtime/operate/table/alerts.ts";
import type { Health } from "../../runtime/operate/table/daemon.ts";
import type { NodeView } from "../../runtime/operate/table/nodes.ts";
import type { ScheduleViewOf } from "../../runtime/operate/table/schedules.ts";
import { confinementFaults } from "../../security/confinement.ts";
import type { Cli } from "../cli.ts";
import { everyNode } from "../daemon.ts";
import { standsStill } from "../render/fleet/nodes.ts";
import { counted, visible } from "../render/text.ts";
import { isoTime } from "../render/time.ts";
import { certificates } from "./certificates.ts";
import type { Finding } from "./finding.ts";
import { journalAtRest } from "./journal.ts";
import { trustAtRest } from "./trust.ts";

const LEAST_NODE = [20, 19] as const;
const LEAST_NATS = [2, 9, 10] as const;
/** A clock before this has not been set since the machine started. */
const STEWARD_IS_OLDER = Date.UTC(2025, 0, 1);
const SKEW_LIMIT = 5_000;
/** Nodes or lanes that one line names. */
const MOST_NAMED = 10;

export async function examine(cli: Cli): Promise<Finding[]> {
  const findings: Finding[] = [nodeVersion(process.versions.node), clock(cli.io.clock.now())];
  const config = await configuration(cli, findings);
  if (config !== undefined) {
    const data = await dataDirectory(config.data);
    findings.push(data, ...(await openToOthers(config)), ...(await trustAtRest(config)));
    findings.push(...commands(config, cli), await natsServer(config, cli));
    findings.push(...(await certificates(config, cli.io.clock.now())));
    if (data.verdict === "ok") findings.push(...(await journalAtRest(config, cli)));
  }
  // Without a configuration the daemon may still be named by --socket.
  const socket = await cli.socket().catch(() => undefined);
  if (socket === undefined) return findings;
  const health = await attempt("daemon", findings, async () => (await cli.daemon()).health());
  if (health === undefined) return findings;
  const nodes = await everyNode(await cli.daemon()).catch(() => []);
  findings.push(...daemon(health, nodes, cli.io.clock.now(), config?.broker.servers.join(", ") ?? "a broker"));
  const letters = await (await cli.daemon()).dead().catch(() => []);
  findings.push(messages(nodes, letters.length));
  findings.push(...scheduled(await (await cli.daemon()).schedules().catch(() => [])));
  const alerts = await (await cli.daemon()).alerts().catch(() => []);
  findings.push(...raised(alerts, cli.io.clock.now()));
  const errands = await (await cli.daemon()).errands().catch(() => []);
  findings.push(...undelivered(errands, cli.io.clock.now()));
  return findings;
}

/** The schedules that nodes hold; where there are none, there is nothing to say. */
function scheduled(views: readonly ScheduleViewOf[]): Finding[] {
  if (views.length === 0) return [];
  const check = "schedules";
  const failed = views.filter(({ runs }) => runs.length > 0 && runs.at(-1)?.state !== "succeeded");
  const held = counted(views.length, "schedule");
  if (failed.length === 0) return [{ check, verdict: "ok", text: `${held}, and no latest run has failed` }];
  const names = failed.slice(0, MOST_NAMED).map(({ node, name }) => visible(`${node} ${name}`));
  const remedy = "`steward schedules NODE NAME` shows the runs, with the end of their output.";
  return [
    {
      check,
      verdict: "warn",
      text: `the latest run of ${failed.length} of ${held} has not succeeded: ${names.join(", ")}`,
      remedy,
    },
  ];
}

/**
 * The configuration. A secret that this environment lacks may be set where the daemon runs, as systemd does it for a
 * service: a file without any other fault passes with a warning.
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
  const text = `${summary(config)}; the variable ${names} is not set here, so the login at the broker was not checked`;
  const remedy = "A service reads it from /etc/steward/environment; set it where a daemon is started by hand.";
  findings.push({ check, verdict: "warn", text, remedy });
  return config;

  function describe(found: Config | undefined): Config | undefined {
    if (found !== undefined) findings.push({ check, verdict: "ok", text: summary(found) });
    return found;
  }
}

function summary({ file, node, central }: Config): string {
  return `${file}: node ${node}, management station ${central}`;
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
  const remedy = "Set the clock of this machine, or let NTP do it: deadlines and ids depend on it.";
  return { check: "clock", verdict: "warn", text: `the clock here says ${isoTime(now)}, which is in the past`, remedy };
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
    if (parent === existing) return { check, verdict: "fail", text: `${path} cannot be created`, remedy };
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
    text: existing === path ? `${path} is writable` : `${path} is created at the first start`,
  };
}

/** Files of the data directory that other users of this machine may read or write. */
async function openToOthers({ data, socket, socketAccess }: Config): Promise<Finding[]> {
  const others = socketAccess === "group" ? 0o007 : 0o077;
  const isOpen = async (path: string): Promise<boolean> => {
    const found = await lstat(path).catch(() => undefined);
    return found !== undefined && !found.isSymbolicLink() && (found.mode & others) !== 0;
  };
  if (!(await isOpen(data))) return [];
  const names = (await readdir(data).catch(() => [])).filter((name) => join(data, name) !== socket);
  const open: string[] = [];
  for (const name of names) if (await isOpen(join(data, name))) open.push(name);
  if (open.length === 0) return [];
  const text = `other users of this machine may look into ${data}: ${worst(open, "files")}`;
  return [
    { check: "modes", verdict: "warn", text, remedy: `chmod -R ${socketAccess === "group" ? "o=" : "go="} ${data}` },
  ];
}

/** Bounds and secrets that this machine cannot give. The daemon may be another user than the one who looks. */
function commands(config: Config, cli: Cli): Finding[] {
  const faults = confinementFaults(config, cli.io.env);
  if (faults.length === 0) return [];
  const remedy =
    "Correct `run` and `secrets` in steward.yaml, or this machine; look again as the user that the daemon runs as.";
  return [{ check: "commands", verdict: "warn", text: worst(faults, "faults"), remedy }];
}

async function natsServer(config: Config, cli: Cli): Promise<Finding> {
  const check = "nats-server";
  if (config.broker.embedded === null) {
    return {
      check,
      verdict: "ok",
      text: `not needed on this machine: the broker is ${config.broker.servers.join(", ")}`,
    };
  }
  const { findServerBinary } = await import("../../broker/server-binary.ts");
  const found: Finding[] = [];
  const binary = await attempt(check, found, () => findServerBinary(cli.io.env));
  if (binary === undefined) return found[0] ?? { check, verdict: "fail", text: "not found" };
  const text = `${binary.path}, version ${binary.version}`;
  if (atLeast(binary.version, LEAST_NATS)) return { check, verdict: "ok", text };
  return { check, verdict: "warn", text, remedy: `Install nats-server ${LEAST_NATS.join(".")} or newer.` };
}

function daemon(health: Health, nodes: readonly NodeView[], now: number, servers: string): Finding[] {
  const { broker, journal, quarantined, stuck } = health;
  const findings: Finding[] = [
    {
      check: "daemon",
      verdict: "ok",
      text: `${health.node} answers, version ${health.version}, started ${span(now - health.startedAt)} ago`,
    },
  ];
  if (broker.state === "connected") {
    findings.push({
      check: "broker",
      verdict: "ok",
      text: `connected to ${broker.server ?? "a broker"} for ${span(now - broker.since)}`,
    });
  } else {
    const fault = `${broker.fault ?? "no answer yet"} (${broker.state} for ${span(now - broker.since)})`;
    const { message: text, remedy } = new StewardError(broker.code ?? "broker-unreachable", { servers, fault });
    findings.push({ check: "broker", verdict: "fail", text, remedy, exit: EXIT.noDaemon });
  }
  if (broker.refused !== undefined) {
    const text = `connected, but the broker does not let ${health.node} ${broker.refused.join(", ")}`;
    const remedy = `Give the user of ${health.node} that permission in the broker's configuration.`;
    findings.push({ check: "permissions", verdict: "fail", text, remedy });
  }
  const filled = `${journal.state}, ${bytes(journal.bytes)} of ${bytes(journal.limit)} used`;
  if (journal.state === "ok") findings.push({ check: "journal", verdict: "ok", text: filled });
  else {
    const remedy = "Free space on its disk, cancel messages that are not needed, or raise limits.journalBytes.";
    findings.push({ check: "journal", verdict: journal.state === "low" ? "warn" : "fail", text: filled, remedy });
  }
  if (quarantined.length > 0) {
    const remedy = `\`steward ps\` shows the error; once it is mended: steward revive ${health.node} SUBJECT`;
    const text = `quarantined: ${worst(quarantined, "processes")}`;
    findings.push({ check: "processes", verdict: "warn", text, remedy });
  }
  for (const { role, subject, waitsSince, reason } of health.waiting ?? []) {
    const name = role === "core" ? subject : `${role} ${subject}`;
    const remedy = "Mend the cause that is named; the daemon tries again by itself.";
    findings.push({
      check: "processes",
      verdict: "fail",
      text: `${name} does not work since ${span(now - waitsSince)}, and is tried again: ${reason}`,
      remedy,
    });
  }
  findings.push(...heldBack(nodes), ...standstills(stuck, nodes, now), ...maintenance(health.held ?? [], now));
  const skewed = nodes.filter((node) => Math.abs(node.clockSkew ?? 0) >= SKEW_LIMIT);
  if (skewed.length > 0) {
    const texts = [...skewed]
      .sort((a, b) => Math.abs(b.clockSkew ?? 0) - Math.abs(a.clockSkew ?? 0))
      .map(
        (node) =>
          `the clock of ${node.name} is ${span(Math.abs(node.clockSkew ?? 0))} ${(node.clockSkew ?? 0) < 0 ? "behind" : "ahead"}`,
      );
    const text = worst(texts, "nodes");
    findings.push({
      check: "clocks",
      verdict: "warn",
      text,
      remedy: "Set the clocks of these nodes, or the one here: deadlines depend on them.",
    });
  }
  return findings;
}

/** A source among what stands still, as its node tells of it. */
const SOURCE = /(^|, )source \S+ stands still/;

/** Lanes that do not move though their nodes are there: those of this node, and those that other nodes report. */
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
  const kept = texts.some((line) => SOURCE.test(line))
    ? "Messages wait meanwhile; what is sent to a syslog port that nobody listens at is lost."
    : "No message is lost meanwhile.";
  const remedy = `Mend the cause that is named; \`steward node NODE\` shows the lanes of a node. ${kept}`;
  return [{ check, verdict: "fail", text: worst(texts, "lanes"), remedy }];
}

/** Nodes that are held. A hold without an end is easily forgotten, and its node then gets nothing. */
function maintenance(held: NonNullable<Health["held"]>, now: number): Finding[] {
  if (held.length === 0) return [];
  const check = "maintenance";
  const endless = held.filter(({ endsAt }) => endsAt === null);
  const textOf = (holds: typeof held): string =>
    worst(
      holds.map(({ node, since, endsAt }) => {
        const ends = endsAt === null ? "without an end" : `until ${isoTime(endsAt)}`;
        return `${node} is held since ${span(Math.max(0, now - since))}, ${ends}`;
      }),
      "nodes",
    );
  if (endless.length === 0) return [{ check, verdict: "ok", text: textOf(held) }];
  const remedy = "Nothing is delivered to a node that is held: `steward unhold NODE` once the work there is done.";
  return [{ check, verdict: "warn", text: textOf(endless), remedy }];
}

/** Alerts that were not cleared and whose cause is not known to be gone. */
function raised(alerts: readonly AlertView[], now: number): Finding[] {
  const open = alerts.filter(({ state }) => state === "raised");
  if (open.length === 0) return [];
  const texts = open.map(
    ({ node, code, lastAt, count }) =>
      `${code} at ${node}, ${span(Math.max(0, now - lastAt))} ago${count === 1 ? "" : ` (${count} times)`}`,
  );
  const remedy = "`steward alerts` shows each; once you have seen to one: `steward alerts clear NO`.";
  return [{ check: "alerts", verdict: "warn", text: worst(texts, "alerts"), remedy }];
}

/** Alerts and outcomes that a destination did not take. */
function undelivered(errands: readonly ErrandView[], now: number): Finding[] {
  const failed = errands.filter(({ fault }) => fault !== undefined);
  const byDestination = new Map<string, ErrandView[]>();
  for (const errand of failed) byDestination.set(errand.to, [...(byDestination.get(errand.to) ?? []), errand]);
  const texts = [...byDestination].map(([to, all]) => {
    const oldest = Math.min(...all.map(({ madeAt }) => madeAt));
    const why = visible(all.at(-1)?.fault ?? "");
    return `${visible(to)} did not take ${counted(all.length, "errand")}, the oldest since ${span(Math.max(0, now - oldest))}: ${why}`;
  });
  if (texts.length === 0) return [];
  const remedy =
    "They are tried again. `steward errands` lists them; once the cause is mended: steward errands retry all";
  return [{ check: "errands", verdict: "warn", text: worst(texts, "destinations"), remedy }];
}

/** Names that two machines have: no message is sent to them or taken from them. */
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

/** Open messages by the count of the daemon: their sum, and the nodes with most of them. */
function messages(nodes: readonly NodeView[], letters: number): Finding {
  const owed = nodes.filter(({ waiting, running }) => waiting + running > 0);
  const sum = (count: (node: NodeView) => number): number => owed.reduce((all, node) => all + count(node), 0);
  const most = [...owed].sort((a, b) => b.waiting + b.running - a.waiting - a.running);
  const hasSum = owed.length > MOST_NAMED;
  const sums = [sum(({ waiting }) => waiting), sum(({ running }) => running)] as const;
  const all = hasSum ? [`${owed.length} nodes: ${openWork(...sums)}`] : [];
  // The sum before them names the things that the short form counts.
  const short = ({ waiting, running }: NodeView): string =>
    [waiting, running].filter((_, which) => sums[which] !== 0).join(" and ");
  const named = most.map((node) => `${node.name}: ${hasSum ? short(node) : openWork(node.waiting, node.running)}`);
  const parts = [...all, ...(named.length === 0 ? [] : [worst(named, "nodes (`steward nodes`)")])];
  if (letters > 0) parts.push(`${counted(letters, "dead letter")} (\`steward dead\`)`);
  return { check: "messages", verdict: "ok", text: parts.length === 0 ? "none is open" : parts.join("; ") };
}

function openWork(waiting: number, running: number): string {
  const messages = waiting === 0 ? [] : [`${counted(waiting, "message")} not acknowledged`];
  const commands = running === 0 ? [] : [`${counted(running, "command")} without outcome`];
  return [...messages, ...commands].join(", ");
}

function atLeast(version: string, least: readonly number[]): boolean {
  const parts = version.split(/[.-]/).map(Number);
  for (const [i, wanted] of least.entries()) {
    const part = parts[i] ?? 0;
    if (part !== wanted) return part > wanted;
  }
  return true;
}
