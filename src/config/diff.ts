import { formatDuration, formatSize } from "../message/units.ts";
import type { Applies } from "./about.ts";
import type { BrokerConfig, Config, PublishConfig, SubscribeConfig } from "./config.ts";
import { schema } from "./schema.ts";
import { placesIn } from "./schema-tree.ts";

/** One difference between two configurations, by the process or the setting that it touches. */
export interface ConfigChange {
  /** `subscribe` and `publish` touch one process, that of the subject; `setting` touches the daemon. */
  readonly part: "subscribe" | "publish" | "setting";
  readonly action: "added" | "removed" | "changed";
  /** The subject as it is written in the file, or the path of the setting. */
  readonly key: string;
  /** Whether a reload applies it, or it waits for a restart of the daemon. */
  readonly applies: Applies;
  /** One line for people: `subscribe command.shellcommand.nginx: concurrency 1 → 4`. Shows no secret. */
  readonly text: string;
}

interface Row {
  readonly key: string;
  /** The value as it would be written. */
  readonly read: (config: Config) => string;
  readonly secret?: boolean;
}

const row = (key: string, read: Row["read"]): Row => ({ key, read });
const secretRow = (key: string, read: Row["read"]): Row => ({ key, read, secret: true });
const listText = (values: readonly string[]): string => `[${values.join(", ")}]`;
const none = "none";

/** Every setting outside of `subscribe` and `publish`. */
export const SETTING_ROWS: readonly Row[] = [
  row("node", (c) => c.node),
  row("central", (c) => c.central),
  row("broker.servers", (c) => listText(c.broker.servers)),
  row("broker.embedded", (c) =>
    c.broker.embedded === null ? "false" : `${c.broker.embedded.host}:${c.broker.embedded.port}`,
  ),
  row("broker.user", (c) => credential(c.broker.auth, "user")),
  secretRow("broker.password", (c) => credential(c.broker.auth, "password")),
  secretRow("broker.token", (c) => credential(c.broker.auth, "token")),
  row("broker.nkey", (c) => credential(c.broker.auth, "seedFile")),
  row("broker.creds", (c) => credential(c.broker.auth, "file")),
  row("broker.tls", (c) => tlsText(c.broker.tls)),
  row("data", (c) => c.data),
  row("link", (c) => c.link.name),
  row("hello", (c) => formatDuration(c.hello)),
  row("nodes", (c) => listText(c.nodes)),
  row("methods", (c) => listText(c.methods)),
  row("control.from", (c) => listText(c.control.from)),
  row("defaults.deliverBy", (c) => (c.defaults.deliverBy === null ? "never" : formatDuration(c.defaults.deliverBy))),
  row("defaults.timeout", (c) => formatDuration(c.defaults.timeout)),
  row("limits.messageBytes", (c) => formatSize(c.limits.messageBytes)),
  row("limits.journalBytes", (c) => formatSize(c.limits.journalBytes)),
  row("limits.outputBytes", (c) => formatSize(c.limits.outputBytes)),
  row("limits.nodes", (c) => String(c.limits.nodes)),
  row("limits.earlyCancels", (c) => String(c.limits.earlyCancels)),
  row("limits.lanes", (c) => String(c.limits.lanes)),
  row("retention.age", (c) => formatDuration(c.retention.age)),
  row("retention.bytes", (c) => formatSize(c.retention.bytes)),
  row("retention.deadLetters", (c) => String(c.retention.deadLetters)),
  row("retention.logs.age", (c) => formatDuration(c.retention.logs.age)),
  row("retention.logs.bytes", (c) => formatSize(c.retention.logs.bytes)),
  row("intake.folder", (c) => c.intake.folder ?? "off"),
  row("intake.file", (c) => c.intake.file ?? "off"),
  row("socket", (c) => c.socket),
  row("socketAccess", (c) => c.socketAccess),
  row("metrics", (c) => (c.metrics === null ? "off" : `${c.metrics.host}:${c.metrics.port}`)),
  row("log.level", (c) => c.log.level),
  row("shell.grace", (c) => formatDuration(c.shell.grace)),
  row("supervision.intensity", (c) => String(c.supervision.intensity)),
  row("supervision.period", (c) => formatDuration(c.supervision.period)),
  row("supervision.backoff.min", (c) => formatDuration(c.supervision.backoff.min)),
  row("supervision.backoff.max", (c) => formatDuration(c.supervision.backoff.max)),
  row("supervision.backoff.factor", (c) => String(c.supervision.backoff.factor)),
  row("supervision.backoff.jitter", (c) => String(c.supervision.backoff.jitter)),
  row("supervision.backoff.resetAfter", (c) => formatDuration(c.supervision.backoff.resetAfter)),
];

const APPLIES = new Map(placesIn(schema).map((place) => [place.key, place.applies]));

/** What a reload would change: the settings first, then the processes, each in the order of the new file. */
export function diffConfig(before: Config, after: Config): { readonly changes: readonly ConfigChange[] } {
  return {
    changes: [
      ...settingChanges(before, after),
      ...processChanges("subscribe", before.subscribe, after.subscribe, subscriptionFields),
      ...processChanges("publish", before.publish, after.publish, publicationFields),
    ],
  };
}

function settingChanges(before: Config, after: Config): ConfigChange[] {
  return SETTING_ROWS.flatMap(({ key, read, secret }) => {
    const [old, now] = [read(before), read(after)];
    if (old === now) return [];
    const text = secret === true ? `${key}: changed` : `${key}: ${old} → ${now}`;
    return [{ part: "setting" as const, action: "changed" as const, key, applies: appliesTo(key), text }];
  });
}

function processChanges<T extends { readonly subject: string }>(
  part: "subscribe" | "publish",
  before: readonly T[],
  after: readonly T[],
  fields: (entry: T) => Readonly<Record<string, string>>,
): ConfigChange[] {
  const old = new Map(before.map((entry) => [entry.subject, entry]));
  const change = (action: ConfigChange["action"], key: string, what: string): ConfigChange => ({
    part,
    action,
    key,
    applies: appliesTo(part),
    text: `${part} ${key}: ${what}`,
  });
  const changes = after.flatMap((entry) => {
    const known = old.get(entry.subject);
    old.delete(entry.subject);
    if (known === undefined) return [change("added", entry.subject, "added")];
    const [was, is] = [fields(known), fields(entry)];
    const differences = Object.keys(is).filter((key) => was[key] !== is[key]);
    if (differences.length === 0) return [];
    return [change("changed", entry.subject, differences.map((key) => `${key} ${was[key]} → ${is[key]}`).join(", "))];
  });
  return [...changes, ...[...old.keys()].map((subject) => change("removed", subject, "removed"))];
}

const subscriptionFields = (entry: SubscribeConfig) => ({
  from: listText(entry.from),
  allow: entry.allow === null ? "all" : JSON.stringify(entry.allow),
  concurrency: String(entry.concurrency),
  queue: String(entry.queue),
  foreign: String(entry.foreign),
});

const publicationFields = (entry: PublishConfig) => ({ source: `${entry.source} ${entry.setting}` });

function appliesTo(key: string): Applies {
  return APPLIES.get(key.split(".")[0] ?? "") ?? "restart";
}

function credential(auth: BrokerConfig["auth"], field: "user" | "password" | "token" | "seedFile" | "file"): string {
  const value: unknown = field in auth ? auth[field as keyof typeof auth] : undefined;
  return typeof value === "string" ? value : none;
}

function tlsText(tls: BrokerConfig["tls"]): string {
  if (tls === null) return "off";
  return `{${Object.entries(tls)
    .map(([key, path]) => `${key}: ${path}`)
    .join(", ")}}`;
}
