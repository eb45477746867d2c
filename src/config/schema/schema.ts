import type { z } from "zod";
import { NEVER } from "../../message/text/units.ts";
import { mapping, setting } from "./about.ts";
import { broker } from "./broker.ts";
import { decimal, duration, hostPort, listOf, name, oneOf, origin, orOff, path, size, wholeNumber } from "./fields.ts";
import { publication, subscription } from "./subjects.ts";

/**
 * steward.yaml. The one source of its types, defaults, checks and documentation; what concerns several settings at once
 * is in rules.ts, and defaults that depend on other settings are filled in by compile.ts.
 */
export const schema = mapping({
  node: setting(name(), {
    description: "Name of this node, unique in the fleet: letters, digits, _ and -. No DNS is involved.",
    example: "ship1",
    applies: "restart",
  }),
  central: setting(name().prefault("central"), {
    description: "Name of the management station. The node of this name is central itself.",
    applies: "restart",
  }),
  broker: setting(broker, { description: "The NATS broker that carries the messages.", applies: "restart" }),
  data: setting(path(), {
    description:
      "Directory for the journal, the keys and the output. One per node; keep it on a disk that survives. Relative paths start at this file.",
    example: "./var/ship1",
    applies: "restart",
  }),
  link: setting(oneOf("lan", "gsm", "satellite").prefault("lan"), {
    description:
      "What the link to the broker is like: sets hello, ping, window, frame size and compression, see docs/config.md.",
    applies: "restart",
    read: ({ link }) => link.name,
  }),
  hello: setting(duration("100ms", "1d").optional(), {
    description: `Interval between two signs of life. Without any, a node is late after 2.5 of them and offline after 6.`,
    fallback: "by link: lan 10s, gsm 1m, satellite 10m",
    example: "10s",
    applies: "live",
  }),
  subscribe: setting(listOf(subscription, "a list of subscriptions").prefault([]), {
    description: "What this node takes. Each entry is a process of its own under supervision.",
    applies: "process",
  }),
  publish: setting(listOf(publication, "a list of publications").prefault([]), {
    description: "What this node sends by itself. Each entry is a process of its own under supervision.",
    applies: "process",
  }),
  nodes: setting(listOf(name(), "a list of names").prefault([]), {
    description: "Nodes that are expected: shown before they were ever seen.",
    applies: "live",
  }),
  methods: setting(listOf(path(), "a list of paths").prefault([]), {
    description: "Modules with methods of your own.",
    applies: "restart",
  }),
  control: setting(
    mapping({
      from: setting(listOf(origin(), "a list of nodes such as [central]").optional(), {
        description: "Nodes that may cancel commands and start, stop, restart and revive processes here. [] is nobody.",
        fallback: "the central node",
        example: ["central"],
      }),
    }).prefault({}),
    { description: "Who may control this node.", applies: "live" },
  ),
  defaults: setting(
    mapping({
      deliverBy: setting(orOff(NEVER, duration("1s", "3650d"), "a duration from 1s to 3650d").prefault("7d"), {
        description: "How long a message may wait for its node before it expires; `never` waits for ever.",
      }),
      timeout: setting(duration("1s", "24d").prefault("1h"), {
        description:
          "How long a command that is sent from here may run before it is ended; also one that comes here and does not say, as from plain NATS publishers. An hour: long enough that no package upgrade is killed half way, short enough that a hung command frees its slot the same day. Shorter per command: --timeout.",
      }),
    }).prefault({}),
    { description: "For messages sent from here that do not say otherwise.", applies: "live" },
  ),
  limits: setting(
    mapping({
      messageBytes: setting(size("1KB", "8MB").prefault("512KB"), {
        description: "Largest message. Keep it below the broker's max_payload (1MB unless configured).",
      }),
      journalBytes: setting(size("1MB", "1024GB").prefault("1GB"), {
        description: "Largest journal; when it is full, new messages are refused and nothing that is owed is lost.",
      }),
      outputBytes: setting(size("1KB", "1GB").prefault("1MB"), {
        description: "Output kept of each stream of a command: half from its beginning, half from its end.",
      }),
      lineBytes: setting(size("1KB", "1MB").prefault("32KB"), {
        description:
          "Longest line of a log that is forwarded whole. A longer one goes in parts, each with its number and a mark that more follows, and is counted. A syslog connection holds as much in memory.",
      }),
      timeout: setting(duration("1s", "24d").prefault("24d"), {
        description: "How long any command may run here, whatever its sender says.",
      }),
      nodes: setting(wholeNumber(0, 1_000_000).prefault(10_000), {
        description:
          "Nodes that may become known without being named in this file. What further ones send is refused and counted; they keep it.",
      }),
      earlyCancels: setting(wholeNumber(0, 1_000_000).prefault(10_000), {
        description:
          "Cancels that overtook their commands and are kept until those come, at most for `retention.age`. Further ones are refused.",
      }),
      lanes: setting(wholeNumber(1, 100_000_000).prefault(200_000), {
        description:
          "Lanes (origin, its journal, subject) remembered before nodes that this file does not name may begin no more.",
      }),
    }).prefault({}),
    { description: "Bounds.", applies: "live" },
  ),
  retention: setting(
    mapping({
      age: setting(duration("1m", "3650d").prefault("30d"), {
        description: "How long messages are kept once they are final.",
      }),
      bytes: setting(size("64KB", "1024GB").optional(), {
        description: "How many bytes of them are kept; the oldest go first.",
        fallback: "half of limits.journalBytes",
        example: "512MB",
      }),
      deadLetters: setting(wholeNumber(1, 1_000_000).prefault(10_000), {
        description:
          "How many dead letters are kept, in a quarter of `retention.bytes` and for `retention.age`. The oldest are dropped, and central is told.",
      }),
      logs: setting(
        mapping({
          age: setting(duration("1m", "3650d").optional(), {
            description: "How long a day's file is kept after it was last written.",
            fallback: "retention.age",
            example: "90d",
          }),
          bytes: setting(size("64KB", "1024GB").prefault("10GB"), {
            description:
              "How many bytes of all of them are kept; the oldest days go first, what is written today stays.",
          }),
        }).prefault({}),
        { description: "Logs that syslogforwarding has stored." },
      ),
    }).prefault({}),
    { description: "How long to remember. What is still owed is never removed.", applies: "live" },
  ),
  intake: setting(
    mapping({
      folder: setting(orOff("off", path(), "a path").optional(), {
        description: "Folder that is watched for message files; `off` watches none.",
        fallback: "inbox in the data directory",
        example: "./var/ship1/inbox",
      }),
      file: setting(orOff("off", path(), "a path").optional(), {
        description: "A single file that is taken whenever it appears; `off` watches none.",
        fallback: "inmsg.txt in the data directory",
        example: "./var/ship1/inmsg.txt",
      }),
    }).prefault({}),
    { description: "Messages from files.", applies: "restart" },
  ),
  socket: setting(path().optional(), {
    description:
      "Unix socket of the local API. At most 103 bytes: set a short one if the data directory's path is long.",
    fallback: "steward.sock in the data directory",
    example: "/run/steward/ship1.sock",
    applies: "restart",
  }),
  socketAccess: setting(oneOf("owner", "group").prefault("owner"), {
    description:
      "Users who may use the socket, and so command the fleet from here: `owner`, the user of the daemon and root; `group`, all members of the daemon's group too.",
    applies: "restart",
  }),
  metrics: setting(orOff("off", hostPort(), "<host>:<port>").prefault("off"), {
    description: "Also serve Prometheus metrics over TCP at this address. They are always on the socket.",
    example: "127.0.0.1:9464",
    applies: "restart",
    read: ({ metrics }) => (metrics === null ? "off" : `${metrics.host}:${metrics.port}`),
  }),
  log: setting(
    mapping({
      level: setting(oneOf("trace", "debug", "info", "warn", "error", "silent").prefault("info"), {
        description: "info logs nodes and processes, debug each message as well.",
      }),
    }).prefault({}),
    { description: "The daemon's log, on its standard output.", applies: "live" },
  ),
  shell: setting(
    mapping({
      grace: setting(duration("0s", "1h").prefault("5s"), {
        description: "Time between SIGTERM and SIGKILL for a command that is cancelled or has run too long.",
      }),
    }).prefault({}),
    { description: "Commands of the shell.", applies: "restart" },
  ),
  supervision: setting(
    mapping({
      intensity: setting(wholeNumber(0, 1000).prefault(3), {
        description: "Restarts of one process within `period`; one more and it is quarantined, until `steward revive`.",
      }),
      period: setting(duration("1s", "1d").prefault("30s"), {
        description: "The window in which restarts are counted.",
      }),
      backoff: setting(
        mapping({
          min: setting(duration("1ms", "1h").prefault("200ms"), { description: "Wait before the first restart." }),
          max: setting(duration("1ms", "1d").prefault("30s"), { description: "Longest wait." }),
          factor: setting(decimal(1, 10).prefault(2), { description: "Each wait is so many times the one before." }),
          jitter: setting(decimal(0, 1).prefault(0.2), { description: "Share of the wait that is left to chance." }),
          resetAfter: setting(duration("1s", "1d").prefault("60s"), {
            description: "After so long without a failure the waits begin at `min` again.",
          }),
        }).prefault({}),
        { description: "How long to wait between restarts." },
      ),
    }).prefault({}),
    { description: "When a process fails.", applies: "restart" },
  ),
});

/** A checked file: defaults filled in, durations in ms and sizes in bytes, paths as written. */
export type Settings = z.output<typeof schema>;
