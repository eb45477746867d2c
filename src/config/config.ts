import type { NodeSchedule } from "../message/schedule/node-schedule.ts";
import type { Rule } from "./policy/rule.ts";
import type { Settings } from "./schema/settings.ts";

type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;

/** Settings whose value, as the daemon uses it, has another shape than in the file. */
type Reshaped =
  | "broker"
  | "control"
  | "destinations"
  | "hello"
  | "intake"
  | "link"
  | "metrics"
  | "page"
  | "policy"
  | "publish"
  | "retention"
  | "schedule"
  | "secrets"
  | "subscribe";

/**
 * The configuration as the daemon uses it: compiled once from steward.yaml, frozen, every default filled in, durations
 * in milliseconds, sizes in bytes, paths absolute. The schema declares all settings that stand here as they are written; no
 * other type of the project holds a default of a setting.
 */
export interface Config extends Omit<Frozen<Settings>, Reshaped | "socket"> {
  /** The file that it was read from, absolute. */
  readonly file: string;
  /** The settings at its top level that it writes, whatever their values. */
  readonly written: readonly string[];
  readonly broker: BrokerConfig;
  /** Names of the environment variables that the file was filled in from: no command sees them. */
  readonly environment: readonly string[];
  readonly link: LinkProfile;
  /** Interval between hellos, ms. */
  readonly hello: number;
  readonly subscribe: readonly SubscribeConfig[];
  readonly publish: readonly PublishConfig[];
  /** `at`: where it is written. */
  readonly control: { readonly from: readonly string[]; readonly at: string };
  readonly destinations: Readonly<Record<string, DestinationConfig>>;
  readonly policy: readonly Rule[];
  readonly retention: RetentionConfig;
  /** The schedules that this node holds by its own file. */
  readonly schedule: Readonly<Record<string, NodeSchedule>>;
  readonly intake: { readonly folder: string | null; readonly file: string | null };
  /** Path of the local API's Unix socket, absolute. */
  readonly socket: string;
  readonly metrics: { readonly host: string; readonly port: number } | null;
  readonly page: PageConfig;
  readonly secrets: SecretsConfig;
}

export interface BrokerConfig {
  readonly servers: readonly string[];
  /** A nats-server of the daemon's own, under supervision. `tls.ca`: its clients must show a certificate. */
  readonly embedded: {
    readonly host: string;
    readonly port: number;
    readonly tls: { readonly cert: string; readonly key: string; readonly ca?: string } | null;
    readonly newcomers: boolean;
  } | null;
  readonly auth:
    | { readonly kind: "none" }
    /** The node's own key; none while the file is not there. */
    | { readonly kind: "identity"; readonly seedFile: string }
    | { readonly kind: "seed"; readonly seed: string }
    | { readonly kind: "user"; readonly user: string; readonly password: string }
    | { readonly kind: "token"; readonly token: string }
    | { readonly kind: "nkey"; readonly seedFile: string }
    | { readonly kind: "creds"; readonly file: string };
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string } | null;
  /** Programs that publish to nodes without being one: logins of central's broker. */
  readonly publishers: readonly PublisherConfig[];
}

/** One of its first six is there; paths are absolute. */
export interface DestinationConfig extends Frozen<Omit<Settings["destinations"][string], "append" | "tokenFile">> {
  readonly append?: string;
  readonly tokenFile?: string;
}

/** The listener for browsers. Times ms. */
export interface PageConfig {
  /** null: none. */
  readonly listen: { readonly host: string; readonly port: number } | null;
  /** Scheme, host and port at which browsers reach it; null: those of `listen`. */
  readonly address: string | null;
  readonly tls: { readonly certificate: string; readonly key: string } | null;
  readonly idle: number;
  readonly longest: number;
}

export interface PublisherConfig {
  readonly name: string;
  readonly login: { readonly key: string } | { readonly password: string };
  readonly subjects: readonly string[];
}

export type LinkName = "lan" | "gsm" | "satellite";

/** The bounds of a kind of link. Times ms, sizes bytes. */
export interface LinkProfile {
  readonly name: LinkName;
  readonly hello: number;
  /** Missed hellos, as a time without evidence of life, after which a node is late, and offline. */
  readonly late: number;
  readonly offline: number;
  readonly ping: number;
  readonly ackTimeout: number;
  readonly frameBytes: number;
  readonly windowBytes: number;
  /** Frames in flight on one lane. */
  readonly framesInFlight: number;
  /** Frames from this size on are deflated; null: never. */
  readonly compressFrom: number | null;
}

/** A subscription, and the rule of its subject. */
export interface SubscribeConfig
  extends Rule,
    Pick<Frozen<Settings["subscribe"][number]>, "concurrency" | "queue" | "foreign"> {
  readonly kind: "command" | "event";
  readonly method: string;
  readonly domain: string;
  /** The bounds in which its commands run; null: as the daemon itself. */
  readonly run: RunConfig | null;
}

/** The bounds in which the commands of one subscription run. Each null: as the daemon itself. */
export interface RunConfig {
  /** Name or number. */
  readonly user: string | null;
  readonly group: string | null;
  /** Absolute; a directory that a command asks for must lie in it. */
  readonly directory: string | null;
  /** Names of the daemon's variables that are kept beside the usual ones; null: none, and a command may set what it likes. */
  readonly environment: readonly string[] | null;
  readonly umask: number | null;
  /** Names of the secrets that may be used; null: all of this node. */
  readonly secrets: readonly string[] | null;
  readonly limits: RunLimits;
  readonly together: TogetherLimits;
}

/** The limits of all processes of one command together: bytes, a number, percent of one processor. */
export interface TogetherLimits {
  readonly memory: number | null;
  readonly processes: number | null;
  readonly cpu: number | null;
}

/** The limits of one process, ms and bytes. Each null: that of the daemon. */
export interface RunLimits {
  readonly cpu: number | null;
  readonly memory: number | null;
  readonly processes: number | null;
  readonly files: number | null;
  readonly fileSize: number | null;
}

/** The places where the secrets of this node are kept, by name. */
export interface SecretsConfig {
  /** Each file in it is a secret of the same name; absolute. */
  readonly directory: string | null;
  /** Absolute paths. */
  readonly files: Readonly<Record<string, string>>;
  /** Names of environment variables of the daemon. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface PublishConfig {
  /** Full subject, `central.event.<method>.<domain>`. */
  readonly subject: string;
  readonly method: string;
  readonly domain: string;
  /** Name of the method's source, `syslog` or `tail`, and its setting. */
  readonly source: string;
  readonly setting: string;
}

export interface RetentionConfig extends Omit<Frozen<Settings["retention"]>, "bytes" | "logs"> {
  readonly bytes: number;
  readonly logs: { readonly age: number; readonly bytes: number };
}
