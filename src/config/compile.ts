import { basename, join, resolve } from "node:path";
import { parseSubject } from "../message/subject.ts";
import type { BrokerConfig, Config, PageConfig, PublishConfig, RunConfig, SecretsConfig } from "./config.ts";
import { type Environment, expand, namesIn } from "./file/environment.ts";
import { pathsOf } from "./file/paths.ts";
import { linkProfile } from "./link-profiles.ts";
import { type Rule, readRule, type WrittenRule, withMembers } from "./policy/rule.ts";
import type { Path } from "./schema/schema-tree.ts";
import type { Settings } from "./schema/settings.ts";
import { readHostPort } from "./schema/value-kinds.ts";

type Absolute = (path: string) => string;

/** Turns a checked file into the value that the daemon uses: the defaults that depend on others, paths, subjects. Frozen. */
export function compile(
  settings: Settings,
  file: string,
  written: readonly string[],
  env: Environment,
  lineOf: (path: Path) => number,
): Config {
  const { node, central, retention, limits, intake, groups } = settings;
  const place = (...path: Path): string => `${basename(file)}:${lineOf(path)}`;
  /** The senders of a rule by its file alone, and the places of its settings. */
  const rule = (entry: WrittenRule, from: readonly string[], ...path: Path): Rule =>
    readRule(entry, from, groups, (key, i) =>
      place(...path, ...(key === undefined || entry[key] === undefined ? [] : i === undefined ? [key] : [key, i])),
    );
  const paths = pathsOf(file, settings.data);
  const link = linkProfile(settings.link, settings.hello);
  const secrets = compileSecrets(settings.secrets, paths.absolute);
  return frozen({
    ...settings,
    file: resolve(file),
    written,
    broker: compileBroker(settings.broker, paths.absolute, paths.data, env),
    environment: [...new Set([...namesRead(settings.broker), ...Object.values(secrets.environment)])],
    data: paths.data,
    link,
    hello: link.hello,
    subscribe: settings.subscribe.map((entry, i) => {
      const { subject, concurrency, queue, foreign } = entry;
      const { kind, method, domain } = parseSubject(`${node}.${subject}`);
      // Every accepted node may report to central; nobody but central commands, unless the file says so.
      const from = kind === "event" && node === central ? ["*"] : [central];
      const run = entry.run === undefined ? null : compileRun(entry.run, paths.absolute);
      return { ...rule(entry, from, "subscribe", i), kind, method, domain, concurrency, queue, foreign, run };
    }),
    policy: settings.policy.map((entry, i) => rule(entry, ["*"], "policy", i)),
    publish: settings.publish.map((entry) => compilePublication(entry, paths.absolute)),
    destinations: Object.fromEntries(
      Object.entries(settings.destinations).map(([name, { append, tokenFile, ...rest }]) => [
        name,
        {
          ...rest,
          ...(append === undefined ? {} : { append: paths.absolute(append) }),
          ...(tokenFile === undefined ? {} : { tokenFile: paths.absolute(tokenFile) }),
        },
      ]),
    ),
    schedule: Object.fromEntries(
      Object.entries(settings.schedule).map(([name, { run, data = null, ...rest }]) => [
        name,
        { ...rest, data: run ?? data },
      ]),
    ),
    methods: settings.methods.map(paths.absolute),
    control: {
      from: withMembers(settings.control.from ?? [central], groups),
      at: settings.control.from === undefined ? "the default of control.from" : place("control", "from"),
    },
    retention: {
      ...retention,
      bytes: retention.bytes ?? Math.floor(limits.journalBytes / 2),
      logs: { age: retention.logs.age ?? retention.age, bytes: retention.logs.bytes },
    },
    intake: {
      folder: orDefault(intake.folder, paths.intakeFolder, paths.absolute),
      file: orDefault(intake.file, paths.intakeFile, paths.absolute),
    },
    socket: paths.socket(settings.socket),
    metrics: settings.metrics === null ? null : (readHostPort(settings.metrics) ?? null),
    page: compilePage(settings.page, paths.absolute),
    secrets,
  });
}

function compilePage({ listen, address, tls, idle, longest }: Settings["page"], absolute: Absolute): PageConfig {
  return {
    listen: listen === null ? null : (readHostPort(listen) ?? null),
    address: address === undefined ? null : new URL(address).origin,
    // The rules have refused the one without the other.
    tls: tls === undefined ? null : { certificate: absolute(tls.certificate ?? ""), key: absolute(tls.key ?? "") },
    idle,
    longest,
  };
}

function compileBroker(broker: Settings["broker"], absolute: Absolute, data: string, env: Environment): BrokerConfig {
  const { embedded, tls } = broker;
  const own = compileEmbedded(embedded, absolute);
  const servers =
    own === null
      ? (broker.servers ?? [])
      : [`${own.tls === null ? "nats" : "tls"}://${reachable(own.host)}:${own.port}`];
  const tlsDemanded = servers.some((address) => address.startsWith("tls://"));
  return {
    servers,
    embedded: own,
    auth: compileAuth(broker, absolute, data, env),
    publishers: Object.entries(broker.publishers).map(([name, { key, password = "", subjects }]) => ({
      name,
      login: key === undefined ? { password: expanded(password, env) } : { key },
      subjects,
    })),
    tls:
      tls === undefined
        ? tlsDemanded
          ? {}
          : null
        : Object.fromEntries(
            Object.entries(tls).flatMap(([key, path]) => (path === undefined ? [] : [[key, absolute(path)]])),
          ),
  };
}

function compileEmbedded(embedded: Settings["broker"]["embedded"], absolute: Absolute): BrokerConfig["embedded"] {
  if (embedded === false) return null;
  if (embedded === true) return { host: "127.0.0.1", port: 4222, tls: null, newcomers: true };
  const { tls, ...own } = embedded;
  if (tls === undefined) return { ...own, tls: null };
  const { cert, key, ca } = tls;
  return {
    ...own,
    tls: { cert: absolute(cert), key: absolute(key), ...(ca === undefined ? {} : { ca: absolute(ca) }) },
  };
}

function compileAuth(
  broker: Settings["broker"],
  absolute: Absolute,
  data: string,
  env: Environment,
): BrokerConfig["auth"] {
  const { user, password, token, nkey, creds } = broker;
  if (user !== undefined && password !== undefined) {
    return { kind: "user", user: expanded(user, env), password: expanded(password, env) };
  }
  if (token !== undefined) return { kind: "token", token: expanded(token, env) };
  if (nkey !== undefined) return { kind: "nkey", seedFile: absolute(nkey) };
  if (creds !== undefined) return { kind: "creds", file: absolute(creds) };
  return { kind: "identity", seedFile: join(data, "identity", "sign.nk") };
}

/** The rules have refused what cannot be filled in. */
function expanded(text: string, env: Environment): string {
  const result = expand(text, env);
  return "value" in result ? result.value : "";
}

/** The environment variables that secrets are filled in from. */
function namesRead({ user, password, token, publishers }: Settings["broker"]): string[] {
  const passwords = Object.values(publishers).map((publisher) => publisher.password);
  return [
    ...new Set([user, password, token, ...passwords].flatMap((text) => (text === undefined ? [] : namesIn(text)))),
  ];
}

/** Where this machine itself finds a server that listens on `host`. */
function reachable(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}

function compileRun(run: NonNullable<Settings["subscribe"][number]["run"]>, absolute: Absolute): RunConfig {
  const { cpu = null, memory = null, processes = null, files = null, fileSize = null } = run.limits ?? {};
  return {
    user: run.user ?? null,
    group: run.group ?? null,
    directory: run.directory === undefined ? null : absolute(run.directory),
    environment: run.environment ?? null,
    umask: run.umask === undefined ? null : Number.parseInt(run.umask, 8),
    secrets: run.secrets ?? null,
    limits: { cpu, memory, processes, files, fileSize },
    together: {
      memory: run.together?.memory ?? null,
      processes: run.together?.processes ?? null,
      cpu: run.together?.cpu ?? null,
    },
  };
}

function compileSecrets({ directory, files, environment }: Settings["secrets"], absolute: Absolute): SecretsConfig {
  return {
    directory: directory === undefined ? null : absolute(directory),
    files: Object.fromEntries(Object.entries(files).map(([name, path]) => [name, absolute(path)])),
    environment,
  };
}

function compilePublication(entry: Settings["publish"][number], absolute: Absolute): PublishConfig {
  const { subject, syslog, tail, source } = entry;
  const { method, domain } = parseSubject(subject);
  if (syslog !== undefined) return { subject, method, domain, source: "syslog", setting: syslog };
  if (tail !== undefined) return { subject, method, domain, source: "tail", setting: absolute(tail) };
  const [name = "", setting = ""] = Object.entries(source ?? {})[0] ?? [];
  return { subject, method, domain, source: name, setting };
}

function orDefault(written: string | null | undefined, fallback: string, absolute: Absolute): string | null {
  if (written === undefined) return fallback;
  return written === null ? null : absolute(written);
}

function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(frozen);
  }
  return value;
}
