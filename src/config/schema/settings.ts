import { z } from "zod";
import { MISSED } from "../../message/schedule/node-schedule.ts";
import { NEVER } from "../../message/text/units.ts";
import { writtenRule } from "../policy/rule.ts";
import { kind, mapping, setting } from "./about.ts";
import {
  account,
  argument,
  boundTarget,
  bySecret,
  decimal,
  duration,
  EXAMPLE_KEYS,
  flag,
  flagHint,
  groups,
  host,
  hostPort,
  hours,
  inBraces,
  keyFile,
  listOf,
  mailbox,
  mask,
  name,
  natsSubject,
  nkey,
  oneOf,
  orOff,
  path,
  pattern,
  postAddress,
  publicKeys,
  receivedBy,
  receivedSubject,
  ruledSubject,
  secret,
  secretName,
  sender,
  sentSubject,
  server,
  size,
  syslogAddress,
  text,
  textsByName,
  timeZone,
  variable,
  variables,
  webAddress,
  wholeNumber,
} from "./value-kinds.ts";

const embedded = kind(
  z.union([
    flag(),
    mapping({
      host: setting(host().prefault("127.0.0.1"), { description: "Address to listen on; 0.0.0.0 for all." }),
      port: setting(wholeNumber(1, 65535).prefault(4222), { description: "Port to listen on." }),
      tls: setting(
        mapping({
          cert: setting(path(), { description: "The broker's certificate." }),
          key: setting(path(), { description: "Its private key." }),
          ca: setting(path().optional(), {
            description: "Clients must show a certificate that this authority signed.",
          }),
        }).optional(),
        { description: "Speak TLS with the nodes." },
      ),
      newcomers: setting(flag().prefault(true), {
        description: "Let nodes that central does not know introduce themselves, and nothing else.",
      }),
    }),
  ]),
  { expects: "true, false, or a mapping with host and port", why: flagHint },
);

const publishers = kind(
  z.record(
    z.string(),
    mapping({
      key: setting(nkey().optional(), { description: "The public nkey of the program." }),
      password: setting(secret().optional(), { description: "Its password; its user is the name of the entry." }),
      subjects: setting(listOf(receivedBy(), "a list of subjects", 1), {
        description: "What it may publish: <receiving node>.<command|event>.<method>.<domain>.",
      }),
    }),
  ),
  { expects: "a mapping of names to {key or password, subjects}" },
);

function credential(
  auth: { readonly kind: string },
  field: "user" | "password" | "token" | "seedFile" | "file",
): string {
  // The node's own key is no setting.
  const value: unknown = auth.kind !== "identity" && field in auth ? auth[field as keyof typeof auth] : undefined;
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
      "Instead of `servers`, on central only: run a nats-server of the daemon's own, under its supervision. `true` listens on 127.0.0.1:4222; {host: 0.0.0.0, port: 4222} lets the edge nodes in. Each accepted node logs in with its own key and reaches its own subjects alone, unless user and password or a token are given, which then are those of all. {tls: {cert: …, key: …, ca: …}} speaks TLS, with `ca` only to clients that show a certificate of it; {newcomers: false} keeps nodes out that were not invited.",
    read: ({ broker: { embedded: own } }) =>
      own === null
        ? "false"
        : [
            `${own.host}:${own.port}`,
            ...(own.tls === null ? [] : [`tls ${Object.values(own.tls).join(" ")}`]),
            ...(own.newcomers ? [] : ["no newcomers"]),
          ].join(", "),
  }),
  user: setting(secret().optional(), {
    description:
      "User name at the broker. Credentials are one of: user and password, token, nkey, creds; without any the node logs in with its own key, where the broker asks for one.",
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
  publishers: setting(publishers.prefault({}), {
    description:
      'On central: programs that are no nodes and may publish {"data": …} to a node with `foreign: true`, by name. Each has `key` (a public nkey) or `password`, and `subjects`. The embedded broker lets them in, and `steward broker config` writes them down. A program hears answers in _INBOX.-<name>.> alone.',
    read: ({ broker }) => JSON.stringify(broker.publishers),
    secret: true,
  }),
});

/** The settings of a subscription, and of a rule of a policy, on the messages that they let in. */
const terms = (fallback: string) => ({
  from: setting(listOf(sender(), "a list of nodes such as [central]", 1).optional(), {
    description:
      'Who may send it: nodes, group:NAME of `groups:`, operator:NAME for what that operator has signed; "*" is any node.',
    fallback,
    example: ["central"],
    shown: true,
  }),
  allow: setting(listOf(pattern(), "a list of patterns", 1).optional(), {
    description:
      "Commands that may run: a pattern for each argument, * any characters within one, a last ... any further arguments. A script by its digest. See docs/permissions.md.",
    fallback: "all",
    example: ["systemctl * nginx", "nginx -t"],
  }),
  deny: setting(listOf(pattern(), "a list of patterns", 1).optional(), {
    description:
      "Commands that may not run, whatever else allows them; no script runs then that `allow` does not name.",
    fallback: "none",
    example: ["systemctl stop ..."],
  }),
  hours: setting(listOf(hours(), "a list of hours", 1).optional(), {
    description: "When it may be sent and begun, by this node's clock and `timeZone`.",
    fallback: "always",
    example: ["Mon-Fri 08:00-18:00"],
  }),
  atOnce: setting(wholeNumber(1, 1_000_000).optional(), {
    description: "Messages of one sender on one subject that may wait and run here at once; further ones are refused.",
    fallback: "any number, up to `queue`",
    example: 4,
  }),
  signed: setting(flag().optional(), {
    description:
      "true: it must carry the signature of an operator, which this node verifies; central alone cannot send it then. See docs/operators.md.",
    fallback: "false",
    example: true,
  }),
});

/** A mapping that a list of shows, when it has changed, as it would be written. */
function described<T extends z.core.$ZodLooseShape>(shape: T) {
  const expects = `a mapping with ${Object.keys(shape).join(", ")}`;
  return kind(z.strictObject(shape), { expects, text: (value) => JSON.stringify(writtenRule(value)) });
}

const rule = described({
  subject: setting(ruledSubject(), {
    description: "What it speaks of: <command|event>.<method>.<domain>; * stands for any name.",
    example: "command.shellcommand.*",
  }),
  ...terms("anybody whom the subscription lets in"),
});

/** The rules of a policy, also as they came from central. */
export const policyRules = listOf(rule, "a list of rules", 1);

/** An entry of `policies:` in steward.yaml. */
const policy = described({
  name: setting(name(), { description: "Its name, shown where it decides.", example: "tankers" }),
  nodes: setting(listOf(sender(), "a list of nodes such as [ship1, group:tankers]", 1), {
    description: 'Nodes that are held to it: nodes, group:NAME; "*" is every node.',
    example: ["*"],
  }),
  rules: setting(policyRules, {
    description: "Its rules. A subject that one of them names is refused unless one of them allows it.",
    example: [{ subject: "command.shellcommand.*", deny: ["reboot ..."] }],
  }),
});
/** An entry of `approvals:`. */
const approval = described({
  subject: setting(ruledSubject(), {
    description: "What it speaks of: <command|event>.<method>.<domain>; * stands for any name.",
    example: "command.shellcommand.*",
  }),
  on: setting(boundTarget().optional(), {
    description: "The nodes: a target over names, groups and labels given here.",
    fallback: "all",
    example: "class=tanker",
  }),
  nodes: setting(wholeNumber(1, 1_000_000).prefault(1), {
    description: "From so many of these nodes on, in one request.",
    example: 10,
  }),
});
/** `run:` of an entry of `subscribe:`. */
const run = kind(
  mapping({
    user: setting(account().optional(), {
      description:
        "User that its commands run as, by name or number. Another one than the daemon's needs a daemon of root. Groups beside `group` are dropped.",
      fallback: "that of the daemon",
      example: "www-data",
    }),
    group: setting(account().optional(), {
      description: "Group that they run as.",
      fallback: "that of the user",
      example: "www-data",
    }),
    directory: setting(path().optional(), {
      description: "Directory that they start in. One that a command itself asks for (`cwd`) must lie in it.",
      fallback: "with `user`, the user's home, else the data directory",
      example: "/srv/www",
    }),
    environment: setting(listOf(variables(), "a list of names such as [http_proxy, JAVA_*]").optional(), {
      description:
        "Variables of the daemon that they get beside PATH, HOME, USER, LOGNAME, SHELL, LANG, LANGUAGE, LC_* and TZ. Where the list is there, a command itself may set these and LANG, LANGUAGE, LC_* and TZ alone.",
      fallback: "none; a command may set any",
      example: ["http_proxy"],
    }),
    umask: setting(mask().optional(), {
      description: "Modes that files which they make do not get.",
      fallback: "that which the daemon was started with",
      example: "027",
    }),
    secrets: setting(listOf(secretName(), "a list of names").optional(), {
      description: "Secrets of this node that commands may name (`secret:NAME`). [] is none.",
      fallback: "all of `secrets:`",
      example: ["database"],
    }),
    limits: setting(
      mapping({
        cpu: setting(duration("1s", "24d").optional(), {
          description: "Time on the processor that one process may use, whole seconds; then it is ended.",
          example: "10m",
        }),
        memory: setting(size("16MB", "1024GB").optional(), {
          description: "Address space of one process; a request for more fails.",
          example: "1GB",
        }),
        processes: setting(wholeNumber(1, 1_000_000).optional(), {
          description:
            "Processes and threads that the user of the command may have, others of the same user included. Needs a `user` that is not root.",
          example: 100,
        }),
        files: setting(wholeNumber(8, 1_000_000).optional(), {
          description: "Files that one process may have open.",
          example: 256,
        }),
        fileSize: setting(size("1KB", "1024GB").optional(), {
          description: "Size to which a file may be written; more fails.",
          example: "1GB",
        }),
      }).optional(),
      {
        description:
          "Limits that hold before the first instruction of a command, for each of its processes. They only ever lower those of the daemon. Needs the program `prlimit` (util-linux).",
      },
    ),
    together: setting(
      mapping({
        memory: setting(size("16MB", "1024GB").optional(), {
          description:
            "Memory of all processes of a command; beyond it the kernel ends them, and the command has failed.",
          example: "1GB",
        }),
        processes: setting(wholeNumber(1, 1_000_000).optional(), {
          description: "Processes and threads of a command, also where root runs it.",
          example: 100,
        }),
        cpu: setting(wholeNumber(1, 100_000).optional(), {
          description: "Share of one processor in percent: 50 is half of one, 200 is two.",
          example: 50,
        }),
      }).optional(),
      {
        description:
          "Limits of all processes of one command together, in a control group of its own. Needs systemd, control groups of version 2, and the service `steward-commands` or a daemon of root; elsewhere `memory` and `processes` hold as in `limits`, and `steward doctor` says so.",
      },
    ),
  }),
  {
    expects: "a mapping with user, group, directory, environment, umask, secrets, limits, together",
    format: (value) => JSON.stringify(value, (_, inner) => (inner === null ? undefined : inner)),
  },
);

/** An entry of `subscribe:` in steward.yaml. */
const subscription = mapping({
  subject: setting(receivedSubject(), {
    description: "What to take, without this node's name: <command|event>.<method>.<domain>.",
    example: "command.shellcommand.operatingsystem",
  }),
  ...terms('the central node; on central itself, for events, "*"'),
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
  run: setting(run.optional(), {
    description:
      "How its commands run: as whom, where, with which environment and limits. See docs/running-commands.md.",
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

/** An entry of `schedule:` in steward.yaml. */
const ownSchedule = mapping({
  every: setting(text("a schedule such as 'every day at 02:00', or a line of cron", () => undefined).optional(), {
    description: "The times, in words or as a line of cron: docs/schedules.md.",
    example: "every day at 02:00",
  }),
  at: setting(text("a point in time such as '2026-12-01 02:00'", () => undefined).optional(), {
    description: "The one time, in place of `every`.",
    example: "2026-12-01 02:00",
  }),
  window: setting(text("hours such as 02:00-04:00", () => undefined).optional(), {
    description: "Hours in which a run may begin, and of which none begins after the end.",
    example: "02:00-04:00",
  }),
  zone: setting(timeZone().optional(), {
    description: "The time zone of its times and hours.",
    fallback: "that of the node",
    example: "Europe/Oslo",
  }),
  missed: setting(oneOf(...MISSED).prefault("skip"), {
    description:
      "What becomes of times at which no run could begin, for the daemon was down, the window closed, or a run went on: `skip`, none is made up for; `once`, one run for all of them; `all`, one for each.",
  }),
  run: setting(listOf(argument(), "a program and its arguments, such as [systemctl, restart, nginx]", 1).optional(), {
    description: "The program and its arguments. One of run and data is given.",
    example: ["systemctl", "restart", "nginx"],
  }),
  subject: setting(receivedSubject().prefault("command.shellcommand.operatingsystem"), {
    description: "The subject of the command, which this node subscribes to.",
  }),
  data: setting(kind(z.json(), { expects: "the data of the command", format: inBraces }).optional(), {
    description: "The data for another method, or a script for the shell: {script: …}.",
    example: { script: "df -h" },
  }),
  timeout: setting(duration("1s", "24d").optional(), {
    description: "How long a run may take.",
    fallback: "defaults.timeout",
    example: "10m",
  }),
  note: setting(text("text", () => undefined).optional(), {
    description: "What it is for.",
    example: "logs are packed",
  }),
});

const ownSchedules = kind(z.record(z.string(), ownSchedule), {
  expects: "names and schedules, such as {nightly: {every: 'every day at 02:00', run: [systemctl, restart, nginx]}}",
  format: inBraces,
});

/** An entry of `destinations:` in steward.yaml. */
const destination = mapping({
  append: setting(path().optional(), {
    description: "A file that gets a line of JSON each; synced.",
    example: "./outcomes.jsonl",
  }),
  run: setting(listOf(argument(), "a program and its arguments, such as [/usr/local/bin/page]", 1).optional(), {
    description: "A program that gets the JSON on its standard input; exit code 0 means that it is done.",
    example: ["/usr/local/bin/page"],
  }),
  post: setting(postAddress().optional(), {
    description: "An address that gets a POST of JSON; a status from 200 to 299 means that it is done.",
    example: "https://example.org/hook",
  }),
  tokenFile: setting(path().optional(), {
    description: "With `post`: a file whose content goes along as `Authorization: Bearer …`.",
    example: "./hook.token",
  }),
  mail: setting(listOf(mailbox(), "a list of mailboxes such as [office@example.org]", 1).optional(), {
    description: "Mailboxes that get a letter, by `sendmail`.",
    example: ["office@example.org"],
  }),
  sendmail: setting(listOf(argument(), "a program and its arguments", 1).prefault(["/usr/sbin/sendmail", "-i"]), {
    description: "With `mail`: the program that takes letters; the mailboxes become its last arguments.",
  }),
  publish: setting(natsSubject().optional(), {
    description: "A NATS subject that begins with alerts.; nobody acknowledges what is published there.",
    example: "alerts.fleet",
  }),
  alert: setting(flag().optional(), { description: "true: an outcome becomes an alert of central.", example: true }),
  timeout: setting(duration("1s", "10m").prefault("30s"), { description: "How long one attempt may take." }),
});

const destinations = kind(z.record(z.string(), destination), {
  expects: "names and destinations, such as {pager: {post: 'https://example.org/hook'}}",
  format: inBraces,
});

/** An entry of `alerts:` in steward.yaml. */
const alertRule = mapping({
  when: setting(
    text("offline, storage, alert, or an expression such as 'disk./.full > 90'", () => undefined),
    {
      description:
        "The condition: `offline` (a node is out of reach), `storage` (the journal of a node is low or full), `alert` (an alert stands as raised: `steward alerts`), or an expression over labels, facts and states (docs/targets.md).",
      example: "offline",
    },
  ),
  codes: setting(listOf(name(), "a list of codes such as [flapping, dead-letter]", 1).optional(), {
    description: "With `when: alert`: the codes that count.",
    fallback: "all",
    example: ["flapping", "dead-letter", "job-failed"],
  }),
  nodes: setting(text("a target such as class=tanker", () => undefined).prefault("all"), {
    description: "The nodes that it watches: an expression, docs/targets.md. With `when: alert` also central.",
  }),
  for: setting(duration("0s", "30d").prefault("1m"), {
    description: "How long the condition must last before it is told.",
  }),
  recover: setting(duration("0s", "30d").prefault("1m"), {
    description: "How long the condition must be gone before that is told.",
  }),
  repeat: setting(orOff(NEVER, duration("1m", "30d"), "a duration from 1m to 30d").prefault(NEVER), {
    description: "Tell it again after so long while it lasts.",
  }),
  to: setting(listOf(name(), "a list of destinations such as [pager]", 1), {
    description: "Names of `destinations:`.",
    example: ["pager"],
  }),
});

const alertRules = kind(z.record(z.string(), alertRule), {
  expects: "names and rules, such as {away: {when: offline, for: 30m, to: [pager]}}",
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
  security: setting(oneOf("sealed", "off").prefault("sealed"), {
    description:
      "`sealed`: every packet between nodes is encrypted and proved, and only nodes that central has accepted are heard. `off` is for a laboratory: whoever can publish at the broker is obeyed, and no sealed node is understood.",
    applies: "restart",
  }),
  centralKey: setting(publicKeys().optional(), {
    description:
      "Keys of the management station, as `steward trust` shows them there: this node believes no other. `steward join` writes them. A node without a token shows up at central as pending, with its fingerprint.",
    fallback: "those of the token with which the node joined",
    example: EXAMPLE_KEYS,
    applies: "restart",
  }),
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
    shown: true,
  }),
  publish: setting(listOf(publication, "a list of publications").prefault([]), {
    description: "What this node sends by itself. Each entry is a process of its own under supervision.",
    applies: "process",
    shown: true,
  }),
  labels: setting(textsByName("names and values such as {class: tanker, site: rotterdam}").prefault({}), {
    description:
      "Labels of this node: what it is, in words of its operators, such as {class: tanker, site: rotterdam}. Targets choose nodes by them: `steward run 'class=tanker' -- uptime`. central may give others with `steward label`.",
    applies: "live",
  }),
  groups: setting(groups().prefault({}), {
    description:
      "Names for targets, such as {north: 'site=hamburg or site=rotterdam', tugs: [tug1, tug2]}: `steward run @north -- uptime`. See docs/targets.md. A rule names a group that is a list of nodes as group:NAME.",
    applies: "live",
  }),
  facts: setting(ownFacts.prefault({}), {
    description:
      "Facts of this node from programs of yours, such as {raid: {run: [/usr/local/bin/raid-facts], every: 10m, timeout: 10s}}. A program prints a JSON object or lines of key=value; they become the facts raid.key. `every` is from 10s on and 10m where it is not written, `timeout` 30s.",
    applies: "live",
  }),
  schedule: setting(ownSchedules.prefault({}), {
    description:
      "Commands that this node gives to itself, by name, also while no link is there: {nightly: {every: 'every day at 02:00', missed: once, run: [systemctl, restart, nginx]}}. docs/schedules.md.",
    applies: "live",
  }),
  destinations: setting(destinations.prefault({}), {
    description:
      "Where alerts and outcomes may go from here, by name: each has one of `append`, `run`, `post`, `mail`, `publish`, `alert`. {pager: {post: 'https://example.org/hook', tokenFile: ./hook.token, timeout: 10s}, office: {mail: [office@example.org]}}. docs/alerts.md.",
    applies: "live",
  }),
  alerts: setting(alertRules.prefault({}), {
    description:
      "Rules that tell of what goes wrong, by name; at central. {away: {when: offline, for: 30m, nodes: class=tanker, to: [pager], repeat: 4h}, disk: {when: 'disk./.full > 90', to: [office]}}. docs/alerts.md.",
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
      from: setting(listOf(sender(), "a list of nodes such as [central]").optional(), {
        description: "Nodes that may cancel commands and start, stop, restart and revive processes here. [] is nobody.",
        fallback: "the central node",
        example: ["central"],
      }),
    }).prefault({}),
    { description: "Who may control this node.", applies: "live" },
  ),
  policy: setting(listOf(rule, "a list of rules").prefault([]), {
    description:
      "Further rules of this node, beside what each subscription says. A subject that one of them names is refused unless one of them allows it too.",
    example: [{ subject: "command.shellcommand.*", deny: ["reboot ..."] }],
    applies: "live",
  }),
  policies: setting(listOf(policy, "a list of policies").prefault([]), {
    description:
      "On central: policies that other nodes are held to, beside their own files. They travel with the signed trust lists, and a node holds to the stricter of both.",
    example: [
      { name: "tankers", nodes: ["ship1"], rules: [{ subject: "command.*.*", hours: ["Mon-Fri 08:00-18:00"] }] },
    ],
    applies: "live",
  }),
  approvals: setting(listOf(approval, "a list of rules").prefault([]), {
    description:
      "What two people must want: such a request is held until another operator approves it with `steward approve`. See docs/operators.md.",
    example: [{ subject: "command.shellcommand.*", on: "class=tanker", nodes: 10 }],
    applies: "live",
  }),
  operators: setting(
    mapping({
      socket: setting(oneOf("admin", "operator", "viewer", "nobody").optional(), {
        description:
          "The role of those who use the socket and sign nothing: `admin` may do all, also decide on nodes and operators; `operator` sends and cancels; `viewer` only looks; `nobody` must sign with a key of an operator.",
        fallback: "admin; viewer with `socketAccess: group`",
        example: "viewer",
      }),
    }).prefault({}),
    { description: "The people who use this daemon: see docs/operators.md.", applies: "live" },
  ),
  timeZone: setting(timeZone().optional(), {
    description: "The time zone of `hours`.",
    fallback: "that of the host",
    example: "Europe/Oslo",
    applies: "live",
  }),
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
      held: setting(wholeNumber(1, 10_000_000).prefault(100_000), {
        description:
          "Messages that may be held here at once: those of jobs that wait for their wave, a time or an approval. Further ones are refused.",
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
      history: setting(
        mapping({
          age: setting(duration("1h", "3650d").prefault("30d"), {
            description: "How long it is remembered when a node was in which state.",
          }),
          bytes: setting(size("64KB", "1GB").prefault("16MB"), {
            description: "How many bytes of it are kept, on disk and in memory; the oldest go first.",
          }),
        }).prefault({}),
        { description: "At central, what the states of nodes were: `steward node ship1 --history 7d`." },
      ),
      audit: setting(
        mapping({
          age: setting(duration("1d", "3650d").prefault("730d"), {
            description: "How long a file of the audit is kept after it was last written.",
          }),
          bytes: setting(size("32MB", "1024GB").prefault("1GB"), {
            description: "How many bytes of all of them are kept; the oldest go first.",
          }),
        }).prefault({}),
        { description: "The audit, `audit/` in the data directory: see docs/audit.md." },
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
  page: setting(
    mapping({
      listen: setting(orOff("off", hostPort(), "<host>:<port>").prefault("off"), {
        description:
          "Serve the page, and the API for other machines, at this address; `steward open` prints a link that logs in. Elsewhere than on this machine itself (127.0.0.1, ::1) only with `tls`. See docs/page.md.",
        example: "127.0.0.1:8300",
        read: ({ page: { listen } }) => (listen === null ? "off" : `${listen.host}:${listen.port}`),
      }),
      address: setting(webAddress().optional(), {
        description: "The address at which browsers reach it, where that is another one: that of a reverse proxy.",
        fallback: "that of `listen`",
        example: "https://fleet.example.org",
      }),
      tls: setting(
        mapping({
          certificate: setting(path().optional(), {
            description: "The certificate, with those between it and its authority.",
            example: "./fleet.pem",
          }),
          key: setting(path().optional(), { description: "Its private key.", example: "./fleet.key" }),
        }).optional(),
        {
          description: "Speak HTTPS. The files are read again when they change.",
          read: ({ page: { tls } }) => (tls === null ? "off" : Object.values(tls).join(" ")),
        },
      ),
      idle: setting(duration("1m", "30d").prefault("8h"), {
        description: "A login whose page is not open any more ends after so long.",
      }),
      longest: setting(duration("1m", "365d").prefault("7d"), {
        description: "Every login ends after so long.",
      }),
    }).prefault({}),
    { description: "The page: the fleet in a browser.", applies: "restart" },
  ),
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
  secrets: setting(
    mapping({
      directory: setting(path().optional(), {
        description: "Each file in this directory is the secret of the file's name.",
        example: "./secrets",
      }),
      files: setting(bySecret(path(), "a mapping of names to paths").prefault({}), {
        description: "Secrets by name, each in a file of its own.",
      }),
      environment: setting(bySecret(variable(), "a mapping of names to variables").prefault({}), {
        description:
          "Secrets by name, each in an environment variable of the daemon. Commands do not get that variable.",
      }),
    }).prefault({}),
    {
      description:
        "Secrets of this node. A command names one as `secret:NAME`; its text is put in when the program starts here, and nowhere else. Files have mode 0600 and belong to the daemon's user or root.",
      applies: "live",
    },
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
