import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkConfig } from "../../src/config/check.ts";
import { FILE, faultsOf, minimal } from "./samples.ts";

describe("a file in which everything is wrong", () => {
  const lines: readonly (readonly [line: string, ...faults: string[]])[] = [
    ["node: ship 1", `1:7 node: expected a name, got "ship 1": " " is not allowed; use letters, digits, '_' and '-'`],
    ["centrl: central", `2:1 centrl: unknown key; did you mean "central"?`],
    ["broker:"],
    [
      "  servers: nats://h:4222",
      `4:12 broker.servers: expected a list of addresses such as [nats://127.0.0.1:4222], got "nats://h:4222": write ["nats://h:4222"]`,
    ],
    [
      "  embedded: yes",
      `5:13 broker.embedded: expected true, false, or a mapping with host and port, got "yes": write true`,
    ],
    ["  user: 5", "6:9 broker.user: expected text, got a number: put it in quotes"],
    [`  password: \${NOPE}`, "7:3 broker.password: the environment variable NOPE is not set"],
    [
      "  tls: {ca: ~/x, kee: 1}",
      `8:13 broker.tls.ca: expected a path, got "~/x": ~ is not expanded; write the path in full`,
      `8:18 broker.tls.kee: unknown key; did you mean "key"?`,
    ],
    ["link: lann", `9:7 link: expected one of lan, gsm, satellite, got "lann": did you mean "lan"?`],
    [
      "hello: 10",
      "10:8 hello: expected a duration from 100ms to 1d, got 10: it has no unit; write 10s if it means seconds",
    ],
    ["subscribe:"],
    [
      "  - subject: ship1.command.shellcommand.os",
      `12:14 subscribe[0].subject: expected <command|event>.<method>.<domain>, got "ship1.command.shellcommand.os": leave the node out: command.shellcommand.os`,
    ],
    [
      "    from: central",
      `13:11 subscribe[0].from: expected a list of nodes such as [central], got "central": write [central]`,
    ],
    ["    concurrency: many", `14:18 subscribe[0].concurrency: expected a whole number from 1 to 1024, got "many"`],
    [
      '    queue: "5"',
      `15:12 subscribe[0].queue: expected a whole number from 1 to 1000000, got "5": remove the quotes`,
    ],
    ['    foreign: "false"', `16:14 subscribe[0].foreign: expected true or false, got "false": remove the quotes`],
    [
      "  - from: []",
      "17:5 subscribe[1].subject: is missing: expected <command|event>.<method>.<domain>",
      "17:11 subscribe[1].from: expected a list of nodes such as [central], got a list: it is empty",
    ],
    ["    allow:", "18:11 subscribe[1].allow: expected a list of patterns, got nothing"],
    ["publish:"],
    [
      "  - subject: ship1.command.a.b",
      `20:5 publish[0]: has no source: expected one of syslog, tail, source`,
      `20:14 publish[0].subject: expected <node>.event.<method>.<domain>, got "ship1.command.a.b": a source makes events, not commands`,
    ],
    ["nodes: [a, a]", "21:12 nodes[1]: a is listed twice; first as number 1"],
    ["methods: {a: b}", "22:10 methods: expected a list of paths, got a mapping"],
    ["control: [central]", "23:10 control: expected a mapping with from, got a list"],
    [
      "defaults: {deliverBy: soon, timeout: 30d}",
      `24:23 defaults.deliverBy: expected a duration from 1s to 3650d, or never, got "soon": write a number and a unit, as in 1s or 3650d`,
      `24:38 defaults.timeout: expected a duration from 1s to 24d, got "30d"`,
    ],
    [
      "limits: {messageBytes: 5, age: 3d}",
      "25:24 limits.messageBytes: expected a size from 1KB to 8MB, got 5: it has no unit; write 5B if it means bytes",
      "25:27 limits.age: unknown key here; it exists as retention.age and retention.logs.age and retention.history.age and retention.audit.age",
    ],
    ["retention: {bytes: 2GB}", "26:13 retention.bytes: more than limits.journalBytes"],
    ["intake: {folder: 5}", "27:18 intake.folder: expected a path, or off, got 5: put it in quotes"],
    ['socket: ""', `28:9 socket: expected a path, got ""`],
    ["metrics: 9464", "29:10 metrics: expected <host>:<port>, or off, got 9464: put it in quotes"],
    [
      "log: {level: inof}",
      `30:14 log.level: expected one of trace, debug, info, warn, error, silent, got "inof": did you mean "info"?`,
    ],
    [
      "shell: {grace: -1s}",
      `31:16 shell.grace: expected a duration from 0s to 1h, got "-1s": write a number and a unit, as in 0s or 1h`,
    ],
    ["supervision:"],
    ["  intensity: 1.5", "33:14 supervision.intensity: expected a whole number from 0 to 1000, got 1.5"],
    [
      "  backoff: {min: 5m, __proto__: 1}",
      "34:13 supervision.backoff.min: `min` is longer than `max`",
      '34:22 supervision.backoff.__proto__: "__proto__" cannot be a key',
    ],
    ["node: again", `35:1 node: "node" is given twice; first in line 1`],
  ];

  it("gives every fault at once, each at its line and column, with what would be right", () => {
    const expected = ["1:1 data: is missing: expected a path", ...lines.flatMap(([, ...faults]) => faults)];
    expect(faultsOf(lines.map(([line]) => line).join("\n"))).toEqual(expected);
  });
});

describe("a file that is no configuration", () => {
  it.each([
    ["", "1:1: the file is empty; `steward init` writes one to begin with"],
    ["# only a comment\n", "1:1: the file is empty; `steward init` writes one to begin with"],
    ["---\n", "1:1: the file is empty; `steward init` writes one to begin with"],
    ["- a\n- b\n", '1:1: expected a mapping of settings such as "node: ship1", got a list'],
    ["hello", '1:1: expected a mapping of settings such as "node: ship1", got text'],
    ["node: a\n---\nnode: b\n", "3:1: the file holds several documents; remove the --- between them"],
    ["node: a\nbroker:\n\tservers: []\n", "3:1: a tab cannot indent YAML; use spaces"],
    [
      "subscribe:\n  - from: [*]\n",
      '2:12: Alias cannot be an empty string; a text that begins with * or & needs quotes, as in "*"',
    ],
    ["node: !secret x\n", "1:7: unknown tag !secret; a text that begins with ! needs quotes"],
    [
      `node: a\nbroker: {user: x, password: \${SECRET}}\ndata: ./d\nhello: 2s\n`,
      "2:30: Unexpected flow-map-start at node end; a text with special characters needs quotes",
    ],
    ["%YAML 1.1\n---\nnode: yes\n", "1:1: %YAML 1.1: only YAML 1.2 is read; remove the line"],
    ["[".repeat(20_000), expect.stringMatching(/^1:\d+: nested deeper than 64 levels$/)],
    [" ".repeat(1024 * 1024 + 1), "1:1: the file is larger than 1MB"],
  ])("is one fault (%#)", (text, fault) => {
    expect(faultsOf(text)).toEqual([fault]);
  });

  it("refuses aliases that multiply instead of expanding them", () => {
    const bomb = [..."bcdefghij"].reduce(
      ({ text, last }, name) => ({
        text: `${text}${name}: &${name} [${Array(10).fill(`*${last}`).join(", ")}]\n`,
        last: name,
      }),
      { text: "a: &a [x, x, x, x, x, x, x, x, x, x]\n", last: "a" },
    );
    expect(faultsOf(bomb.text)).toEqual([expect.stringContaining("unfolds into more than 50000 values")]);
  });

  it("names an alias without anchor at its place", () => {
    expect(faultsOf(minimal("nodes: [*ship2]\n"))).toContain(
      "4:9 nodes[0]: *ship2 stands for nothing that comes before it; quote it if it is text",
    );
  });

  it("names an alias that stands inside its own value, and a key that no mapping can have", () => {
    expect(faultsOf(minimal("nodes: &a [*a]\n"))).toContain(
      "4:12 nodes[0]: *a stands for nothing that comes before it; quote it if it is text",
    );
    expect(faultsOf(minimal("publish:\n- {subject: c.event.a.b, source: {__proto__: x}}\n"))).toContain(
      '5:35 publish[0].source.__proto__: "__proto__" cannot be a key',
    );
  });

  it("shows a hundred faults and counts the others", () => {
    const faults = faultsOf(minimal(Array.from({ length: 150 }, (_, i) => `unknown${i}: 1\n`).join("")));
    expect(faults).toHaveLength(101);
    expect(faults.at(-1)).toContain("and 50 more faults");
  });
});

describe("settings that do not agree", () => {
  it.each([
    [
      "no address",
      minimal("", "{user: a, password: b}"),
      "2:1 broker: has no address: expected `servers: [nats://<host>:4222]`, or on central `embedded: true`",
    ],
    [
      "servers and embedded",
      minimal("central: ship1", "{servers: [h], embedded: true}"),
      "2:10 broker.servers: `embedded` is given: leave one of the two out",
    ],
    [
      "embedded on an edge",
      minimal("", "{embedded: true}"),
      "2:10 broker.embedded: only central (central) runs the broker; write its address under `servers`",
    ],
    [
      "TLS to an embedded broker that speaks none",
      minimal("central: ship1", "{embedded: true, tls: {}}"),
      "2:26 broker.tls: the embedded broker speaks no TLS: set `tls: {cert: …, key: …}` under `embedded` too",
    ],
    [
      "an nkey file beside an embedded broker, which takes the node's own",
      minimal("central: ship1", "{embedded: true, nkey: a}"),
      "2:26 broker.nkey: the embedded broker takes the nodes' own keys, user and password, or a token; leave it out",
    ],
    [
      "a plain publisher without a login",
      minimal("", "{servers: [h], publishers: {weather: {subjects: [a.event.b.c]}}}"),
      "2:37 broker.publishers.weather: needs one of `key` and `password`",
    ],
    [
      "a plain publisher under a name that is taken",
      minimal("", "{servers: [h], publishers: {newcomer: {password: a, subjects: [a.event.b.c]}}}"),
      "2:37 broker.publishers.newcomer: newcomer is the name of another login",
    ],
    [
      "user without password",
      minimal("", "{servers: [h], user: a}"),
      "2:24 broker.user: `password` is missing beside it",
    ],
    [
      "password without user",
      minimal("", "{servers: [h], password: a}"),
      "2:24 broker.password: `user` is missing beside it",
    ],
    [
      "two ways to log in",
      minimal("", "{servers: [h], token: a, creds: b}"),
      "2:34 broker.creds: token already given; there is one way to log in",
    ],
    [
      "a certificate without key",
      minimal("", "{servers: [h], tls: {cert: a}}"),
      "2:30 broker.tls.cert: `key` is missing beside it",
    ],
    [
      "a subject subscribed twice",
      minimal("subscribe:\n- subject: event.a.b\n- subject: event.a.b\n"),
      "6:3 subscribe[1].subject: event.a.b is listed twice; first as number 1",
    ],
    [
      "patterns for an event",
      minimal("subscribe:\n- {subject: event.a.b, allow: [x]}\n"),
      "5:24 subscribe[0].allow: only commands have patterns; say with `from` who may send this event",
    ],
    [
      "a subject published twice",
      minimal("publish:\n- {subject: c.event.a.b, tail: x}\n- {subject: c.event.a.b, tail: y}\n"),
      "6:4 publish[1].subject: c.event.a.b is listed twice; first as number 1",
    ],
    [
      "a pattern where one file is followed",
      minimal("publish:\n- {subject: c.event.a.b, tail: /var/log/*.log}\n"),
      "5:26 publish[0].tail: /var/log/*.log is a pattern, and one file is followed: write an entry for each file",
    ],
    [
      "publishing to itself",
      minimal("publish:\n- {subject: ship1.event.a.b, tail: x}\n"),
      "5:4 publish[0].subject: ship1 is this node itself; begin it with the node that shall receive it",
    ],
    [
      "two sources",
      minimal("publish:\n- {subject: c.event.a.b, tail: x, syslog: 'udp://127.0.0.1:1'}\n"),
      "5:26 publish[0].tail: syslog is given already; write an entry for each",
    ],
    [
      "two sources of one's own",
      minimal("publish:\n- {subject: c.event.a.b, source: {a: x, b: y}}\n"),
      "5:26 publish[0].source: expected one source and its setting, got 2",
    ],
    [
      "a journal smaller than its messages",
      minimal("limits: {journalBytes: 1MB, messageBytes: 1MB}\n"),
      "4:29 limits.messageBytes: a message must fit twice into the journal: raise journalBytes or lower messageBytes",
    ],
    [
      "an environment variable in a path",
      minimal(`socket: \${HOME}/s\n`),
      `4:9 socket: expected a path, got "\${HOME}/s": environment variables are taken in broker.user, password and token only`,
    ],
    [
      "a page for other machines in the clear",
      minimal("page: {listen: 0.0.0.0:8300}\n"),
      "4:8 page.listen: 0.0.0.0 is reached from other machines, and that takes HTTPS: add `tls: {certificate: …, key: …}`, or listen on 127.0.0.1 behind a reverse proxy",
    ],
    [
      "a page behind a proxy that lets logins go in the clear",
      minimal("page: {listen: 127.0.0.1:8300, address: http://fleet.example.org}\n"),
      '4:41 page.address: expected an address such as https://fleet.example.org, got "http://fleet.example.org": a login crosses no network in the clear: write https://',
    ],
  ])("%s", (_, text, fault) => {
    expect(faultsOf(text)).toEqual([fault]);
  });

  it("a data directory too long for a Unix socket, with what to set", () => {
    const [fault] = faultsOf(minimal().replace("./var/ship1", `/${"d".repeat(100)}`));
    expect(fault).toMatch(
      /^3:1 data: the socket \/d+\/steward.sock has 114 bytes, a Unix socket takes 103: set `socket:`/,
    );
    expect(faultsOf(`${minimal().replace("./var/ship1", `/${"d".repeat(100)}`)}socket: /run/s.sock\n`)).toEqual([]);
  });
});

describe("a secret", () => {
  it.each([
    ["a password that is a number", minimal("", "{servers: [h], user: a, password: 8642097531}"), "8642097531"],
    ["credentials in an address", minimal("", "{servers: ['nats://joe:hunter2@h:4222']}"), "hunter2"],
    [
      "a seed in place of its file",
      minimal("", "{servers: [h], nkey: SUAIBDPBAUTWCWBKIO6XHQNINK5FWJW4OHLXC3HQ2KFE4PEJUA44CNHTC4}"),
      "SUAI",
    ],
    ["a broken placeholder", minimal("", `{servers: [h], token: 'hunter2\${'}`), "hunter2"],
  ])("is not shown in a fault: %s", (_, text, hidden) => {
    const faults = faultsOf(text);
    expect(faults).toHaveLength(1);
    expect(faults[0]).not.toContain(hidden);
  });
});

describe("an empty value", () => {
  it("counts as not written for a section or list at the top", () => {
    expect(faultsOf(minimal("subscribe:\n  # - subject: command.a.b\nlimits:\nnodes:\n"))).toEqual([]);
  });

  it.each([
    "subscribe:\n- subject: command.a.b\n  allow:\n",
    "subscribe:\n- subject: command.a.b\n  from:\n",
    "control:\n  from:\n",
    "hello:\n",
    "supervision:\n  backoff:\n",
  ])("is a fault elsewhere, so that an empty list never allows everything: %j", (more) => {
    expect(faultsOf(minimal(more))).toEqual([expect.stringContaining("got nothing")]);
  });
});

describe("whatever a file holds", () => {
  const check = (text: string): void => {
    const checked = checkConfig(text, FILE, {});
    if ("config" in checked) return;
    expect(checked.faults.length).toBeGreaterThan(0);
    for (const fault of checked.faults) {
      expect(fault.line).toBeGreaterThan(0);
      expect(fault.column).toBeGreaterThan(0);
      expect(fault.message).not.toContain("\n");
    }
  };

  it("checkConfig never throws: arbitrary text", () => {
    fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 300 }), check), { numRuns: 200 });
  });

  it("checkConfig never throws: text made of the characters of YAML", () => {
    const characters = [
      ..."abn:-[]{}*&!|>%'\"#,?~ \n\t0.$",
      "node: ",
      "broker: ",
      "subscribe:\n",
      "  - ",
      "\n---\n",
      "\r\n",
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...characters), { maxLength: 60 }), (parts) => check(parts.join(""))),
      { numRuns: 200 },
    );
  });

  it("checkConfig never throws: any JSON in the place of any setting", () => {
    const keys = [
      "node",
      "central",
      "broker",
      "data",
      "link",
      "hello",
      "subscribe",
      "publish",
      "nodes",
      "methods",
      "control",
      "defaults",
      "limits",
      "retention",
      "intake",
      "socket",
      "metrics",
      "log",
      "shell",
      "supervision",
      "__proto__",
      "constructor",
      "toString",
    ];
    const inner = [
      "servers",
      "embedded",
      "user",
      "password",
      "tls",
      "subject",
      "from",
      "allow",
      "source",
      "tail",
      "level",
      "backoff",
      "__proto__",
    ];
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.dictionary(fc.constantFrom(...inner), fc.jsonValue({ maxDepth: 2 })),
      fc.array(fc.dictionary(fc.constantFrom(...inner), fc.jsonValue({ maxDepth: 2 }))),
    );
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...keys), value), (file) => check(JSON.stringify(file))),
      { numRuns: 200 },
    );
  });
});

describe("a value that would silently become another", () => {
  it.each([
    ["limits: {lanes: 0755}\n", "0755 would become 755"],
    ["supervision: {intensity: 007}\n", "007 would become 7"],
    ["subscribe:\n- {subject: command.a.b, concurrency: 010}\n", "010 would become 10"],
    ["limits: {nodes: 12345678901234567890}\n", "too large to be kept exactly"],
    ['subscribe:\n- {subject: command.a.b, allow: ["rm \\ud800"]}\n', "half of a character"],
  ])("is refused: %j", (text, fault) => {
    const checked = checkConfig(minimal(text), "steward.yaml", {});
    expect("faults" in checked && checked.faults.map(({ message }) => message).join("\n")).toContain(fault);
  });
});

describe("labels, groups and facts", () => {
  it("are taken where they are right", () => {
    const more = `labels: {class: tanker, site: "12"}
groups: {north: 'site=hamburg or @south', south: [ship1, 'tug*']}
facts: {raid: {run: [raid, -v]}}
`;
    expect(faultsOf(minimal(more))).toEqual([]);
  });

  it.each([
    ["labels: {class: 5}", "labels.class: expected text, got 5: put it in quotes"],
    ["labels: {site: new york}", 'labels.site: "new york" is no value of label site'],
    ["labels: {online: x}", "labels.online: online is a word of the language of targets"],
    ["labels: {'a b': x}", '"a b" is no name of a label'],
    ["groups: {north: site=}", "groups.north: at character 6: expected a value after site="],
    ["groups: {north: [ship1, 'or']}", "groups.north: at character 1: expected a node"],
    ["groups: {north: '@nort'}", "groups.north: there is no group @nort"],
    ["groups: {a: '@b', b: 'not @a'}", "groups.a: it leads back to itself: @b, @a"],
    ["groups: {all: ship1}", "groups.all: not the name of a group: all is a word"],
    [
      "groups: {north: []}",
      "groups.north: expected a target such as site=hamburg, or a list of targets, got a list: it is empty",
    ],
    ["facts: {raid: {every: 1m}}", "facts.raid.run: is missing: expected a program and its arguments"],
    ["facts: {raid: {run: [x], every: 1s}}", "facts.raid.every: expected a duration from 10s to 30d"],
    ["facts: {'a.b': {run: [x]}}", "not the name of a fact"],
  ])("%s has its fault named", (line, fault) => {
    expect(faultsOf(minimal(`${line}\n`)).join("\n")).toContain(fault);
  });
});

describe("destinations and alerts", () => {
  const pager = "destinations: {pager: {post: 'https://example.org/hook', tokenFile: ./token}}";

  it("are taken where they are right", () => {
    const more = `destinations:
  pager: {post: 'https://example.org/hook', tokenFile: ./token, timeout: 10s}
  office: {mail: [office@example.org]}
  log: {append: ./outcomes.jsonl}
  script: {run: [/usr/local/bin/page, -v]}
  bus: {publish: alerts.fleet}
  list: {alert: true}
alerts:
  away: {when: offline, for: 30m, nodes: class=tanker, to: [pager, office], repeat: 4h}
  disk: {when: 'disk./.full > 90', to: [bus]}
  faults: {when: alert, codes: [flapping, dead-letter], for: 0s, to: [script]}
`;
    expect(faultsOf(minimal(more))).toEqual([]);
  });

  it.each([
    [
      "destinations: {pager: {timeout: 10s}}",
      "destinations.pager: it has none of append, run, post, mail, publish, alert",
    ],
    ["destinations: {pager: {append: ./a, run: [x]}}", "it has append and run of"],
    ["destinations: {pager: {post: 'ftp://example.org'}}", "use https:// or http://"],
    ["destinations: {pager: {post: 'https://me:secret@example.org'}}", "credentials are written to a file"],
    ["destinations: {pager: {mail: ['-oQ/tmp@x']}}", "write name@host"],
    [
      "destinations: {pager: {publish: ship1.command.shellcommand.os}}",
      "it begins with alerts., for central may publish no other ones",
    ],
    ["destinations: {pager: {publish: fleet.alerts}}", "it begins with alerts."],
    ["destinations: {pager: {append: ./a, tokenFile: ./b}}", "only `post` has a token"],
    ["destinations: {'a b': {append: ./a}}", "not a name"],
    [`${pager}\nalerts: {away: {when: offline, to: [office]}}`, "alerts.away.to[0]: there is no destination office"],
    [`${pager}\nalerts: {away: {when: 'disk >', to: [pager]}}`, "alerts.away.when: at character 7"],
    [`${pager}\nalerts: {away: {when: offline, nodes: 'a=', to: [pager]}}`, "alerts.away.nodes: at character 3"],
    [`${pager}\nalerts: {away: {when: offline, codes: [x], to: [pager]}}`, "codes belong to `when: alert`"],
    ["destinations: {list: {alert: true}}\nalerts: {a: {when: alert, to: [list]}}", "list makes alerts"],
  ])("%s has its fault named", (line, fault) => {
    expect(faultsOf(minimal(`${line}\n`)).join("\n")).toContain(fault);
  });
});
