/**
 * The configuration as the daemon uses it: compiled once from steward.yaml, frozen, every default filled in, durations
 * in milliseconds, sizes in bytes, paths absolute. No other type of the project holds a default of a setting.
 */
export interface Config {
  /** The file that it was read from, absolute. */
  readonly file: string;
  /** The settings at its top level that it writes, whatever their values. */
  readonly written: readonly string[];
  readonly node: string;
  readonly central: string;
  readonly broker: BrokerConfig;
  /** Names of the environment variables that the file was filled in from: no command sees them. */
  readonly environment: readonly string[];
  /** Data directory, absolute. */
  readonly data: string;
  readonly link: LinkProfile;
  /** Interval between hellos, ms. */
  readonly hello: number;
  readonly subscribe: readonly SubscribeConfig[];
  readonly publish: readonly PublishConfig[];
  /** Nodes that are expected, so that they are shown before they were ever seen. */
  readonly nodes: readonly string[];
  /** Modules with methods of the user's own, absolute paths. */
  readonly methods: readonly string[];
  /** Nodes that may cancel commands and control processes here. */
  readonly control: { readonly from: readonly string[] };
  readonly defaults: { readonly deliverBy: number | null; readonly timeout: number };
  readonly limits: LimitsConfig;
  readonly retention: RetentionConfig;
  readonly intake: { readonly folder: string | null; readonly file: string | null };
  /** Path of the local API's Unix socket, absolute. */
  readonly socket: string;
  /** Users of the socket: the daemon's own alone, or the group of the daemon as well. */
  readonly socketAccess: "owner" | "group";
  /** `host:port` for Prometheus over TCP; null: only on the socket. */
  readonly metrics: { readonly host: string; readonly port: number } | null;
  readonly log: { readonly level: "trace" | "debug" | "info" | "warn" | "error" | "silent" };
  readonly shell: { readonly grace: number };
  readonly secrets: SecretsConfig;
  readonly supervision: SupervisionConfig;
}

export interface BrokerConfig {
  readonly servers: readonly string[];
  /** A nats-server of the daemon's own, under supervision. */
  readonly embedded: { readonly host: string; readonly port: number } | null;
  readonly auth:
    | { readonly kind: "none" }
    | { readonly kind: "user"; readonly user: string; readonly password: string }
    | { readonly kind: "token"; readonly token: string }
    | { readonly kind: "nkey"; readonly seedFile: string }
    | { readonly kind: "creds"; readonly file: string };
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string } | null;
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

export interface SubscribeConfig {
  /** `<command|event>.<method>.<domain>`; this node is the receiver. */
  readonly subject: string;
  readonly kind: "command" | "event";
  readonly method: string;
  readonly domain: string;
  /** Origins that may send; `*` is any node. */
  readonly from: readonly string[];
  /** Patterns for the data as one line, `*` any run of characters; null: all. */
  readonly allow: readonly string[] | null;
  readonly concurrency: number;
  /** Messages that may wait here before the sender is asked to wait. */
  readonly queue: number;
  /** True: `{"data": …}` of plain NATS publishers is taken. */
  readonly foreign: boolean;
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

export interface LimitsConfig {
  readonly messageBytes: number;
  readonly journalBytes: number;
  /** Output kept of each stream of a command: half at its beginning, half at its end. */
  readonly outputBytes: number;
  /** Bytes of a log's line beyond which it is divided. */
  readonly lineBytes: number;
  /** Milliseconds that any command may run here, whatever its sender says. */
  readonly timeout: number;
  /** Nodes that become known without being named in the configuration. */
  readonly nodes: number;
  /** Cancels that are kept of commands that have not come. */
  readonly earlyCancels: number;
  /** Lanes that are remembered before nodes that the configuration does not name may begin no more. */
  readonly lanes: number;
}

/** Ages ms. */
export interface RetentionConfig {
  readonly age: number;
  readonly bytes: number;
  /** The number of dead letters; a quarter of the bytes is theirs. */
  readonly deadLetters: number;
  /** Bounds of the files that the sinks have written. */
  readonly logs: { readonly age: number; readonly bytes: number };
}

export interface SupervisionConfig {
  readonly intensity: number;
  readonly period: number;
  readonly backoff: {
    readonly min: number;
    readonly max: number;
    readonly factor: number;
    readonly jitter: number;
    readonly resetAfter: number;
  };
}
