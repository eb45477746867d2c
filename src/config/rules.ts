import { nodeNameFault } from "../message/node-name.ts";
import { tokenFault } from "../message/subject.ts";
import { shortened } from "../message/text/printable.ts";
import { readDuration, readSize } from "../message/text/units.ts";
import { isLoopback } from "../platform/host/loopback.ts";
import { checkAlerts } from "./alert-rules.ts";
import { expand } from "./file/environment.ts";
import { pathsOf } from "./file/paths.ts";
import { GROUP, membersOf } from "./policy/rule.ts";
import { checkSchedules } from "./schedule-rules.ts";
import { type Path, presetAt, schemaAt } from "./schema/schema-tree.ts";
import { schema } from "./schema/settings.ts";
import { readHostPort } from "./schema/value-kinds.ts";
import { checkTargets } from "./target-rules.ts";

/**
 * Checks that no schema of one setting can do: settings must agree with each other, with the machine and with the
 * environment. The rules read the file as it was written, so that a fault elsewhere hides none of them; a value of the
 * wrong type is skipped here, for the schema has named it.
 */
export type Report = (path: Path, message: string) => void;

export interface Surroundings {
  /** The configuration file, absolute. */
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export function checkRules(file: unknown, surroundings: Surroundings, report: Report): void {
  const root = mapping(file);
  checkSubscriptions(list(root.subscribe), report);
  checkPolicies(root, report);
  checkPublications(list(root.publish), root.node, report);
  checkBroker(mapping(root.broker), "broker" in root, root, surroundings.env, report);
  checkTwice(list(root.nodes), (i) => ["nodes", i], report);
  checkSocket(root, surroundings.file, report);
  checkPage(mapping(root.page), report);
  checkSizes(root, report);
  checkBackoff(mapping(mapping(root.supervision).backoff), report);
  checkTargets(root, report);
  checkAlerts(root, report);
  checkSchedules(root, report);
}

function checkSubscriptions(entries: readonly unknown[], report: Report): void {
  const subjects = entries.map((entry) => mapping(entry).subject);
  checkTwice(subjects, (i) => ["subscribe", i, "subject"], report);
  checkPatterns(entries, ["subscribe"], report);
}

/** Only commands have arguments. */
function checkPatterns(rules: readonly unknown[], path: Path, report: Report): void {
  rules.forEach((entry, i) => {
    const { subject, ...rest } = mapping(entry);
    if ("run" in rest && text(subject)?.startsWith("event."))
      report([...path, i, "run"], "only commands run programs; an event has no `run`");
    for (const key of ["allow", "deny"])
      if (key in rest && text(subject)?.startsWith("event."))
        report([...path, i, key], "only commands have patterns; say with `from` who may send this event");
  });
}

/** Groups that are named exist, and names of policies stand once. */
function checkPolicies(root: Mapping, report: Report): void {
  const groups = mapping(root.groups);
  const checkNames = (names: unknown, path: Path): void =>
    list(names).forEach((who, i) => {
      const group = text(who)?.startsWith(GROUP) ? text(who)?.slice(GROUP.length) : undefined;
      if (group === undefined) return;
      if (!Object.hasOwn(groups, group))
        report([...path, i], `no group is called ${shortened(group)}: list its nodes under \`groups:\``);
      else if (membersOf(groups[group]).length === 0)
        report(
          [...path, i],
          `group ${group} is no list of nodes: who may send is said by names, not by labels or facts`,
        );
    });
  const checkRules = (rules: unknown, path: Path): void => {
    checkPatterns(list(rules), path, report);
    checkSenders(rules, path);
  };
  const checkSenders = (rules: unknown, path: Path): void => {
    for (const [i, entry] of list(rules).entries()) checkNames(mapping(entry).from, [...path, i, "from"]);
  };
  checkSenders(root.subscribe, ["subscribe"]);
  checkNames(mapping(root.control).from, ["control", "from"]);
  checkRules(root.policy, ["policy"]);
  const policies = list(root.policies);
  checkTwice(
    policies.map((entry) => mapping(entry).name),
    (i) => ["policies", i, "name"],
    report,
  );
  policies.forEach((entry, i) => {
    const { nodes, rules } = mapping(entry);
    checkNames(nodes, ["policies", i, "nodes"]);
    checkRules(rules, ["policies", i, "rules"]);
  });
}

function checkPublications(entries: readonly unknown[], node: unknown, report: Report): void {
  const subjects = entries.map((entry) => mapping(entry).subject);
  checkTwice(subjects, (i) => ["publish", i, "subject"], report);
  entries.forEach((entry, i) => {
    if (!isMapping(entry)) return;
    const { subject, source, tail } = entry;
    if (/[*?]/.test(text(tail) ?? "")) {
      report(["publish", i, "tail"], `${tail} is a pattern, and one file is followed: write an entry for each file`);
    }
    if (typeof node === "string" && text(subject)?.split(".")[0] === node) {
      report(["publish", i, "subject"], `${node} is this node itself; begin it with the node that shall receive it`);
    }
    const given = ["syslog", "tail", "source"].filter((key) => key in entry);
    if (given.length === 0) report(["publish", i], "has no source: expected one of syslog, tail, source");
    for (const extra of given.slice(1))
      report(["publish", i, extra], `${given[0]} is given already; write an entry for each`);
    if (!isMapping(source)) return;
    const names = Object.keys(source);
    if (names.length !== 1)
      report(["publish", i, "source"], `expected one source and its setting, got ${names.length}`);
    for (const name of names) {
      const fault = name.startsWith("_") ? "a source's name begins with a letter or a digit" : tokenFault(name);
      if (fault !== undefined) report(["publish", i, "source", name], `not the name of a source: ${fault}`);
    }
  });
}

function checkBroker(broker: Mapping, written: boolean, root: Mapping, env: Surroundings["env"], report: Report): void {
  if (!written || !isMapping(root.broker)) return;
  const embedded = broker.embedded === true || isMapping(broker.embedded);
  if (embedded && "servers" in broker) report(["broker", "servers"], "`embedded` is given: leave one of the two out");
  if (!embedded && !("servers" in broker)) {
    report(["broker"], "has no address: expected `servers: [nats://<host>:4222]`, or on central `embedded: true`");
  }
  const central = root.central ?? presetOf("central");
  if (embedded && typeof root.node === "string" && typeof central === "string" && root.node !== central) {
    report(["broker", "embedded"], `only central (${central}) runs the broker; write its address under \`servers\``);
  }
  const ways = [["user", "password"], ["token"], ["nkey"], ["creds"]].filter((keys) =>
    keys.some((key) => key in broker),
  );
  for (const way of ways.slice(1)) {
    const key = way.find((k) => k in broker) ?? "";
    report(["broker", key], `${ways[0]?.join(" and ")} already given; there is one way to log in`);
  }
  if ("user" in broker && !("password" in broker)) report(["broker", "user"], "`password` is missing beside it");
  if ("password" in broker && !("user" in broker)) report(["broker", "password"], "`user` is missing beside it");
  for (const key of ["nkey", "creds"]) {
    if (embedded && key in broker) {
      report(
        ["broker", key],
        "the embedded broker takes the nodes' own keys, user and password, or a token; leave it out",
      );
    }
  }
  if (embedded && "tls" in broker && !("tls" in mapping(broker.embedded)))
    report(["broker", "tls"], "the embedded broker speaks no TLS: set `tls: {cert: …, key: …}` under `embedded` too");
  checkPublishers(mapping(broker.publishers), env, report);
  const tls = mapping(broker.tls);
  if ("cert" in tls && !("key" in tls)) report(["broker", "tls", "cert"], "`key` is missing beside it");
  if ("key" in tls && !("cert" in tls)) report(["broker", "tls", "key"], "`cert` is missing beside it");
  for (const key of ["user", "password", "token"]) {
    const value = text(broker[key]);
    if (value === undefined) continue;
    const result = expand(value, env);
    if ("fault" in result) report(["broker", key], result.fault);
  }
}

function checkPublishers(publishers: Mapping, env: Surroundings["env"], report: Report): void {
  for (const [name, value] of Object.entries(publishers)) {
    const place = ["broker", "publishers", name];
    const fault = nodeNameFault(name);
    if (fault !== undefined) report(place, `not the name of a publisher: ${fault}`);
    if (name === "newcomer") report(place, "newcomer is the name of another login");
    const { key, password } = mapping(value);
    if ((key === undefined) === (password === undefined)) report(place, "needs one of `key` and `password`");
    const expanded = expand(text(password) ?? "", env);
    if ("fault" in expanded) report([...place, "password"], expanded.fault);
  }
}

const LONGEST_SOCKET = 103;

function checkSocket(root: Mapping, file: string, report: Report): void {
  const data = text(root.data);
  const socket = text(root.socket);
  if (data === undefined && socket === undefined) return;
  const path = pathsOf(file, data ?? "").socket(socket);
  const bytes = Buffer.byteLength(path);
  if (bytes <= LONGEST_SOCKET) return;
  const remedy = "set `socket:` to a shorter one, such as /run/steward/steward.sock";
  report(
    [socket === undefined ? "data" : "socket"],
    `the socket ${path} has ${bytes} bytes, a Unix socket takes ${LONGEST_SOCKET}: ${remedy}`,
  );
}

/** Passwords and cookies cross no network in the clear. */
function checkPage(page: Mapping, report: Report): void {
  const tls = mapping(page.tls);
  if (isMapping(page.tls) && !("certificate" in tls && "key" in tls))
    report(["page", "tls"], "needs both `certificate` and `key`");
  const listen = text(page.listen);
  const host = listen === undefined ? undefined : readHostPort(listen)?.host;
  if (host === undefined || isLoopback(host) || "tls" in page) return;
  report(
    ["page", "listen"],
    `${host} is reached from other machines, and that takes HTTPS: add \`tls: {certificate: …, key: …}\`, or listen on 127.0.0.1 behind a reverse proxy`,
  );
}

function checkSizes(root: Mapping, report: Report): void {
  const limits = mapping(root.limits);
  const message = size(limits.messageBytes) ?? size(presetOf("limits", "messageBytes"));
  const journal = size(limits.journalBytes) ?? size(presetOf("limits", "journalBytes"));
  const kept = size(mapping(root.retention).bytes);
  if (message === undefined || journal === undefined) return;
  if (message * 2 > journal) {
    const key = "messageBytes" in limits ? "messageBytes" : "journalBytes";
    report(["limits", key], "a message must fit twice into the journal: raise journalBytes or lower messageBytes");
  }
  if (kept !== undefined && kept > journal) report(["retention", "bytes"], "more than limits.journalBytes");
}

function checkBackoff(backoff: Mapping, report: Report): void {
  const min = duration(backoff.min) ?? duration(presetOf("supervision", "backoff", "min"));
  const max = duration(backoff.max) ?? duration(presetOf("supervision", "backoff", "max"));
  if (min !== undefined && max !== undefined && min > max)
    report(["supervision", "backoff", "min" in backoff ? "min" : "max"], "`min` is longer than `max`");
}

function checkTwice(values: readonly unknown[], path: (i: number) => Path, report: Report): void {
  const seen = new Map<string, number>();
  values.forEach((value, i) => {
    if (typeof value !== "string") return;
    const first = seen.get(value);
    if (first === undefined) seen.set(value, i);
    else report(path(i), `${value} is listed twice; first as number ${first + 1}`);
  });
}

const presetOf = (...path: Path): unknown => presetAt(schemaAt(schema, path));

type Mapping = Readonly<Record<string, unknown>>;

function isMapping(value: unknown): value is Mapping {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const mapping = (value: unknown): Mapping => (isMapping(value) ? value : {});
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
const size = (value: unknown): number | undefined => (typeof value === "string" ? readSize(value) : undefined);
const duration = (value: unknown): number | undefined => (typeof value === "string" ? readDuration(value) : undefined);
