import { z } from "zod";
import { NEVER } from "../../message/text/units.ts";
import { kind, mapping, setting } from "./about.ts";
import {
  argument,
  decimal,
  duration,
  flag,
  flagHint,
  groups,
  host,
  hostPort,
  inBraces,
  keyFile,
  listOf,
  name,
  oneOf,
  origin,
  orOff,
  path,
  pattern,
  receivedSubject,
  secret,
  sentSubject,
  server,
  size,
  syslogAddress,
  textsByName,
  wholeNumber,
} from "./fields.ts";

const embedded = kind(
  z.union([
    flag(),
    mapping({
      host: setting(host().prefault("127.0.0.1"), { description: "Address to listen on; 0.0.0.0 for all." }),
      port: setting(wholeNumber(1, 65535).prefault(4222), { description: "Port to listen on." }),
    }),
  ]),
  { expects: "true, false, or a mapping with host and port", why: flagHint },
);

function credential(auth: object, field: "user" | "password" | "token" | "seedFile" | "file"): string {
  const value: unknown = (auth as Readonly<Record<string, unknown>>)[field];
  return typeof value === "string" ? value : "none";
}

/** `broker:` in steward.yaml. */
const broker = mapping({
  servers: setting(listOf(server(), "a list of addresses such as [nats://127.0.0.1:4222]", 1).optional(), {
    description: "Addresses of the NATS broker; more than one for a cluster. tls:// demands TLS.",
    example: ["nats://127.0.0.1:4222"],
    shown: true,
  }),
  embedded: setting(embedded.prefault(false), {
    description:
      "Instead of `servers`, on central only: run a nats-server of the daemon's own, under its supervision. `true` listens on 127.0.0.1:4222; {host: 0.0.0.0, port: 4222} lets the edge nodes in.",
    read: ({ broker: { embedded: own } }) => (own === null ? "false" : `${own.host}:${own.port}`),
  }),
  user: setting(secret().optional(), {
    description: "User name at the broker. Credentials are one of: user and password, token, nkey, creds.",
    example: "ship1",
    read: ({ broker: { auth } }) => credential(auth, "user"),
  }),
  password: setting(secret().optional(), {
    description: `Its password. user, password and token may take environment variables: \${NAME} ($\${ stands for \${ itself).`,
    example: `\${STEWARD_BROKER_PASSWORD}`,
    read: ({ broker: { auth } }) => credential(auth, "password"),
    secret: true,
  }),
  token: setting(secret().optional(), {
    description: "A token, instead of user and password.",
    example: `\${STEWARD_BROKER_TOKEN}`,
    read: ({ broker: { auth } }) => credential(auth, "token"),
    secret: true,
  }),
  nkey: setting(keyFile().optional(), {
    description: "File that holds an nkey seed.",
    example: "./ship1.nk",
    read: ({ broker: { auth } }) => credential(auth, "seedFile"),
  }),
  creds: setting(keyFile().optional(), {
    description: "File with JWT and seed, as `nsc` writes it.",
    example: "./ship1.creds",
    read: ({ broker: { auth } }) => credential(auth, "file"),
  }),
  tls: setting(
    mapping({
      ca: setting(path().optional(), {
        description: "Certificates that sign the broker's; absent: those of the system.",
        example: "./ca.pem",
      }),
      cert: setting(path().optional(), {
        description: "This node's certificate, if the broker asks for one.",
        example: "./ship1.pem",
      }),
      key: setting(path().optional(), { description: "Its private key.", example: "./ship1.key" }),
    }).optional(),
    {
      description: "Speak TLS with the broker. {} is enough when a known authority signed the broker's certificate.",
      example: {},
      read: ({ broker: { tls } }) =>
        tls === null
          ? "off"
          : `{${Object.entries(tls)
              .map(([key, file]) => `${key}: ${file}`)
              .join(", ")}}`,
    },
  ),
});

/** An entry of `subscribe:` in steward.yaml. */
const subscription = mapping({
  subject: setting(receivedSubject(), {
    description: "What to take, without this node's name: <command|event>.<method>.<domain>.",
    example: "command.shellcommand.operatingsystem",
  }),
  from: setting(listOf(origin(), "a list of nodes such as [central]", 1).optional(), {
    description: 'Nodes that may send it; "*" is any node.',
    fallback: 'the central node; on central itself, for events, "*"',
    example: ["central"],
    shown: true,
  }),
  allow: setting(listOf(pattern(), "a list of patterns", 1).optional(), {
    description: "Commands that may run, as patterns of the whole line; * stands for any run of characters.",
    fallback: "all",
    example: ["systemctl * nginx", "nginx -t"],
  }),
  concurrency: setting(wholeNumber(1, 1024).prefault(1), {
    description: "Messages handled at once. 1 keeps the order in which they were accepted.",
  }),
  queue: setting(wholeNumber(1, 1_000_000).prefault(1000), {
    description: "Messages that may wait here; then the senders are asked to wait.",
  }),
  foreign: setting(flag().prefault(false), {
    description:
      'Also take {"data": …} from plain NATS publishers. They are not authenticated by steward: `from` cannot be checked.',
  }),
});

/** JSON Schema: this key is there. */
const only = (key: string) => ({ type: "object", properties: { [key]: {} }, required: [key] });

/** An entry of `publish:` in steward.yaml. */
const publication = kind(
  mapping({
    subject: setting(sentSubject(), {
      description: "What to send, and to whom: <receiving node>.event.<method>.<domain>.",
      example: "central.event.syslogforwarding.nginx",
    }),
    syslog: setting(syslogAddress().optional(), {
      description: "Listen for syslog there (udp or tcp). Each entry has exactly one of syslog, tail and source.",
      example: "udp://127.0.0.1:5514",
      shown: true,
    }),
    tail: setting(path().optional(), {
      description: "Follow this file, across rotation; one file, no pattern.",
      example: "/var/log/apache2/access.log",
    }),
    source: setting(
      kind(z.record(z.string(), kind(z.string().min(1), { expects: "text" })), {
        expects: "one source and its setting, such as {gps: /dev/ttyUSB0}",
      }).optional(),
      {
        description: "A source of a method of your own, by its name, and its setting.",
        example: { gps: "/dev/ttyUSB0" },
      },
    ),
  }).meta({ oneOf: ["syslog", "tail", "source"].map(only) }),
  { expects: "a mapping with subject and one of syslog, tail, source" },
);

/** An entry of `facts:` in steward.yaml. */
const ownFact = mapping({
  run: setting(listOf(argument(), "a program and its arguments, such as [/usr/local/bin/raid-facts]", 1), {
    description: "The program and its arguments.",
    example: ["/usr/local/bin/raid-facts"],
  }),
  every: setting(duration("10s", "30d").prefault("10m"), { description: "Time between two runs." }),
  timeout: setting(duration("1s", "10m").prefault("30s"), { description: "How long it may run." }),
});

const ownFacts = kind(z.record(z.string(), ownFact), {
  expects: "names and programs, such as {raid: {run: [/usr/local/bin/raid-facts]}}",
  format: inBraces,
});

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
  labels: setting(textsByName("names and values such as {class: tanker, site: rotterdam}").prefault({}), {
    description:
      "Labels of this node: what it is, in words of its operators, such as {class: tanker, site: rotterdam}. Targets choose nodes by them: `steward run 'class=tanker' -- uptime`. central may give others with `steward label`.",
    applies: "live",
  }),
  groups: setting(groups().prefault({}), {
    description:
      "Names for targets, such as {north: 'site=hamburg or site=rotterdam', tugs: [tug1, tug2]}: `steward run @north -- uptime`. See docs/targets.md.",
    applies: "live",
  }),
  facts: setting(ownFacts.prefault({}), {
    description:
      "Facts of this node from programs of yours, such as {raid: {run: [/usr/local/bin/raid-facts], every: 10m, timeout: 10s}}. A program prints a JSON object or lines of key=value; they become the facts raid.key. `every` is from 10s on and 10m where it is not written, `timeout` 30s.",
    applies: "live",
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
      targets: setting(wholeNumber(1, 1_000_000).prefault(50), {
        description:
          "Nodes that one target may mean. For more, `steward run` asks, or wants --yes; a message file or a request says `most`.",
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
