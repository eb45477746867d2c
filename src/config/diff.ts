import type { Config, PublishConfig, SubscribeConfig } from "./config.ts";
import type { Applies } from "./schema/about.ts";
import { entryFields, SETTING_ROWS } from "./schema/setting-rows.ts";

/** One difference between two configurations, by the process or the setting that it touches. */
export interface ConfigChange {
  /** `subscribe` and `publish` touch one process, that of the subject; `setting` touches the daemon. */
  readonly part: "subscribe" | "publish" | "setting";
  readonly action: "added" | "removed" | "changed";
  /** The subject as it is written in the file, or the path of the setting. */
  readonly key: string;
  /** How it is applied. */
  readonly applies: Applies;
  /** One line for people: `subscribe command.shellcommand.nginx: concurrency 1 → 4`. Shows no secret. */
  readonly text: string;
}

/** The differences that a reload would apply: settings first, then processes, each in the order of the new file. */
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
  return SETTING_ROWS.flatMap(({ key, applies, read, secret }) => {
    const [old, now] = [read(before), read(after)];
    if (old === now) return [];
    const text = secret ? `${key}: changed` : `${key}: ${old} → ${now}`;
    return [{ part: "setting" as const, action: "changed" as const, key, applies, text }];
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
    applies: "process",
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

/** Parts of the subject, and the lines in which an entry stands: no fields of their own. */
const SAID_BY_SUBJECT = new Set(["subject", "kind", "method", "domain", "at"]);
const SUBSCRIPTION = entryFields("subscribe");
const PUBLICATION = entryFields("publish");

const subscriptionFields = (entry: SubscribeConfig): Readonly<Record<string, string>> =>
  fieldsOf({ ...entry }, SUBSCRIPTION);

const publicationFields = ({ source, setting, ...rest }: PublishConfig): Readonly<Record<string, string>> => ({
  source: `${source} ${setting}`,
  ...fieldsOf(rest, PUBLICATION),
});

function fieldsOf(entry: Readonly<Record<string, unknown>>, written: ReadonlyMap<string, (value: unknown) => string>) {
  return Object.fromEntries(
    Object.entries(entry).flatMap(([key, value]) =>
      SAID_BY_SUBJECT.has(key) ? [] : [[key, written.get(key)?.(value) ?? String(value)]],
    ),
  );
}
