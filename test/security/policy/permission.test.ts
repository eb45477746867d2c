import { describe, expect, it } from "vitest";
import type { Config } from "../../../src/config/config.ts";
import { distributedPolicies } from "../../../src/config/policy/distributed-rules.ts";
import { StewardError } from "../../../src/message/errors.ts";
import type { Json } from "../../../src/message/message.ts";
import { echo } from "../../../src/methods/echo.ts";
import { shellcommand } from "../../../src/methods/shellcommand.ts";
import { syslogforwarding } from "../../../src/methods/syslogforwarding.ts";
import { PLAIN_PUBLISHER } from "../../../src/security/policy/layer.ts";
import { Permission, type Sender } from "../../../src/security/policy/permission.ts";
import { configOf, minimal } from "../../config/samples.ts";

const NGINX = "command.shellcommand.nginx";
const METHODS = [shellcommand({ outputBytes: () => 1000, grace: 1 }), echo, syslogforwarding];
const MONDAY_NOON = Date.parse("2026-11-30T12:00:00Z");

/** A node with these lines in its file. Lines 1 to 3 are those of `minimal`. */
function node(more: string, { now = MONDAY_NOON }: { readonly now?: number } = {}) {
  let config = configOf(minimal(more));
  const permission = new Permission({
    signatures: { operatorOf: () => undefined },
    config: () => config,
    subscriptions: ({ subscribe }) => subscribe,
    clock: { now: () => now },
    audit: { record: () => undefined, refused: () => undefined },
  });
  return {
    permission,
    reload: (text: string) => {
      config = configOf(minimal(text));
    },
    /** The line that allows, or the reason of the refusal. */
    verdict(sender: Sender | string, data: Json = ["nginx", "-t"], subject = NGINX, open = 0): string {
      const method = METHODS.find(({ name }) => name === subject.split(".")[1]);
      const from = typeof sender === "string" ? { origin: sender } : sender;
      try {
        return permission.insist(from, `ship1.${subject}`, data, method ?? echo, open);
      } catch (error) {
        if (!(error instanceof StewardError)) throw error;
        expect(error.code).toBe("permission-denied");
        return `no: ${error.details.fault}`;
      }
    },
  };
}

const subscription = (terms: string): string => `subscribe:\n- subject: ${NGINX}\n  ${terms}\n`;

describe("who may send", () => {
  it.each<[Sender | string, string, string]>([
    ["central", "[central]", "steward.yaml:6"],
    ["central", "[office, central]", "steward.yaml:6"],
    ["ship2", "[central]", "no: from is [central] (steward.yaml:6)"],
    ["Central", "[central]", "no: from is [central] (steward.yaml:6)"],
    ["central2", "[central]", "no: from is [central] (steward.yaml:6)"],
    ["constructor", "[central]", "no: from is [central] (steward.yaml:6)"],
    ["anyone", '["*"]', "steward.yaml:6"],
    // Members of a group take its place, wherever senders are named.
    ["ship3", '["group:tankers"]', "steward.yaml:6"],
    ["ship4", '["group:tankers"]', "no: from is [ship2, ship3] (steward.yaml:6)"],
    // An operator is whoever a signature names: neither a node of that name nor the node that passed it on.
    ["ann", '["operator:ann"]', "no: from is [operator:ann] (steward.yaml:6)"],
    ["central", '["operator:ann"]', "no: from is [operator:ann] (steward.yaml:6)"],
    [{ origin: "central", operator: "bob" }, '["operator:ann"]', "no: from is [operator:ann] (steward.yaml:6)"],
    [{ origin: "central", operator: "ann" }, '["operator:ann"]', "steward.yaml:6"],
    [{ origin: "central", operator: "bob" }, '["operator:*"]', "steward.yaml:6"],
    [{ origin: "ship9", operator: "ann" }, "[central]", "no: from is [central] (steward.yaml:6)"],
    [PLAIN_PUBLISHER, '["*"]', "no: foreign is not set (steward.yaml:5)"],
  ])("%j, from %s: %s", (sender, from, expected) => {
    const allowed = expected.startsWith("no");
    const said = node(`${subscription(`from: ${from}`)}groups: {tankers: [ship2, ship3]}\n`).verdict(sender);
    expect(said).toBe(allowed ? expected : "steward.yaml:5");
  });

  it("is central alone where nothing is said, and a plain publisher where `foreign` says so", () => {
    const { verdict } = node(subscription("foreign: true"));
    expect([verdict("central"), verdict(PLAIN_PUBLISHER)]).toEqual(["steward.yaml:5", "steward.yaml:5"]);
    expect(verdict("ship2")).toBe("no: from is [central] (steward.yaml:5)");
  });

  it("is nobody on a subject without a subscription", () => {
    expect(node("").verdict("central")).toBe(`no: ship1 does not subscribe to ${NGINX} (steward.yaml)`);
  });

  it("follows the file when it is read again", () => {
    const { verdict, reload } = node(subscription("from: [central]"));
    expect(verdict("ship2")).toMatch(/^no/);
    reload(`limits: {nodes: 5}\n${subscription("from: [ship2]")}`);
    expect(verdict("ship2")).toBe("steward.yaml:6");
    expect(verdict("central")).toBe("no: from is [ship2] (steward.yaml:7)");
  });
});

describe("what may be sent", () => {
  const { verdict } = node(
    subscription('allow:\n  - systemctl * nginx\n  - [nginx, "-*"]\n  deny: ["systemctl stop ...", "*/sh ..."]'),
  );

  it.each<[Json, string]>([
    [["nginx", "-t"], 'steward.yaml:8 (allow ["nginx","-*"])'],
    [["systemctl", "reload", "nginx"], "steward.yaml:7 (allow systemctl * nginx)"],
    [["nginx"], 'no: ["nginx"] matches no pattern of allow (steward.yaml:5)'],
    [
      ["systemctl", "stop", "nginx"],
      'no: ["systemctl","stop","nginx"] matches the pattern systemctl stop ... of deny (steward.yaml:9)',
    ],
    [
      { argv: ["nginx", "-t"], env: { LD_PRELOAD: "/tmp/x.so" } },
      'no: ["nginx","-t"] with the variables LD_PRELOAD matches no pattern of allow (steward.yaml:5)',
    ],
  ])("%j: %s", (data, expected) => {
    expect(verdict("central", data)).toBe(expected);
  });

  it("is everything where nothing is said, scripts included", () => {
    const open = node(subscription("from: [central]"));
    expect(open.verdict("central", { script: "rm -rf /" })).toBe("steward.yaml:5");
  });

  it("is all but what is denied, and no script, where only `deny` is said", () => {
    const fenced = node(subscription('deny: ["reboot ..."]'));
    expect(fenced.verdict("central", ["uptime"])).toBe("steward.yaml:5");
    expect(fenced.verdict("central", ["/sbin/reboot", "-f"])).toContain("of deny (steward.yaml:6)");
    expect(fenced.verdict("central", { script: "reboot" })).toContain("a script is allowed by its digest");
  });

  it("is refused with a hint where a pattern is of the time when a star went over several arguments", () => {
    const old = node(subscription('allow: ["apt-get install *"]'));
    expect(old.verdict("central", ["apt-get", "install", "a", "b"])).toContain(
      "apt-get install * allows 3 arguments: a last ... allows further ones",
    );
  });

  it("shows neither values of variables nor the input", () => {
    const said = verdict("central", { argv: ["x"], env: { PASSWORD: "hunter2" }, input: "hunter2", cwd: "/hunter2" });
    expect(said).not.toContain("hunter2");
  });

  it("is nothing at all for a method that shows no arguments", () => {
    const mute = node('subscribe:\n- {subject: command.echo.os, allow: ["..."]}\n');
    expect(mute.verdict("central", "x", "command.echo.os")).toContain("allow and deny cannot be used with echo");
  });

  it("is checked by its method before a pattern sees it, and also without patterns", () => {
    expect(() => verdict("central", { argv: [] })).toThrow("argv is an empty list");
    expect(() => node(subscription("from: [central]")).verdict("central", "reboot")).toThrow("data is one text");
  });
});

describe("when, and how many at once", () => {
  const terms = subscription('hours: ["Mon-Fri 08:00-18:00"]\n  atOnce: 2');

  it("is judged by the time zone of the node", () => {
    expect(node(`${terms}timeZone: UTC\n`).verdict("central")).toBe("steward.yaml:5");
    expect(node(`${terms}timeZone: Pacific/Auckland\n`).verdict("central")).toBe(
      "no: it is Tue 01:00 Pacific/Auckland, and the hours are Mon-Fri 08:00-18:00 (steward.yaml:6)",
    );
  });

  it("is counted for each sender", () => {
    const { verdict } = node(`${terms}timeZone: UTC\n`);
    expect(verdict("central", ["nginx", "-t"], NGINX, 1)).toBe("steward.yaml:5");
    expect(verdict("central", ["nginx", "-t"], NGINX, 2)).toBe(
      "no: 2 messages of the sender are open here, 2 may be at once (steward.yaml:7)",
    );
  });
});

describe("rules of `policy:`", () => {
  it("must allow as well, wherever they speak of the subject", () => {
    const { verdict } = node(
      `${subscription('from: ["*"]')}policy:\n- {subject: "command.*.nginx", from: [ship2], allow: ["nginx -t"]}\n- {subject: command.shellcommand.*, from: [central]}\n`,
    );
    expect(verdict("ship2")).toBe("steward.yaml:5, steward.yaml:8 (allow nginx -t)");
    expect(verdict("ship2", ["reboot"])).toBe('no: ["reboot"] matches no pattern of allow (steward.yaml:8)');
    expect(verdict("central", ["reboot"])).toBe("steward.yaml:5, steward.yaml:9");
    expect(verdict("ship3")).toBe("no: from is [ship2] (steward.yaml:8)");
  });

  it("give nothing to a sender whom the subscription does not let in", () => {
    const { verdict } = node(`${subscription("from: [central]")}policy:\n- {subject: "*.*.*", from: ["*"]}\n`);
    expect(verdict("ship2")).toBe("no: from is [central] (steward.yaml:6)");
  });

  it("leave the messages between daemons alone, unless they name them in full", () => {
    const own = (policy: string) =>
      node(`subscribe:\n- {subject: event.syslogforwarding.steward, from: [central]}\npolicy:\n- ${policy}\n`).verdict(
        "central",
        { lines: [] },
        "event.syslogforwarding.steward",
      );
    expect(own('{subject: "*.*.*", from: [hq]}')).toBe("steward.yaml:5");
    expect(own("{subject: event.syslogforwarding.steward, from: [hq]}")).toContain("from is [hq]");
  });
});

describe("policies of central", () => {
  const central: Config = configOf(
    minimal(`policies:
- name: tankers
  nodes: ["group:tankers"]
  rules:
  - {subject: command.shellcommand.*, from: ["group:hq"], deny: ["reboot ..."]}
- name: hours
  nodes: ["*"]
  rules: [{subject: command.shellcommand.nginx, hours: ["Sat 00:00-24:00"]}]
groups: {tankers: [ship1], hq: [central, office]}
`),
  );

  /** The policies as a trust list carries them. */
  const listed = JSON.parse(JSON.stringify(distributedPolicies(central))) as Json[];

  it("travel with the members of groups in their place", () => {
    expect(listed).toMatchObject([
      { name: "tankers", nodes: ["ship1"], rules: [{ from: ["central", "office"] }] },
      { name: "hours", nodes: ["*"] },
    ]);
  });

  it("must allow as well: the stricter of the two decides, and is named with its version", () => {
    const { verdict, permission } = node(subscription('from: ["*"]\n  allow: ["..."]'));
    permission.hold(7, listed.slice(0, 1));
    expect(verdict("central")).toBe("steward.yaml:7 (allow ...), trust list version 7, policy tankers, rule 1");
    expect(verdict("central", ["reboot"])).toBe(
      'no: ["reboot"] matches the pattern reboot ... of deny (trust list version 7, policy tankers, rule 1)',
    );
    expect(verdict("ship2")).toBe("no: from is [central, office] (trust list version 7, policy tankers, rule 1)");
    // A later list takes the place of an earlier one.
    permission.hold(8, listed);
    expect(verdict("central")).toContain("hours are Sat 00:00-24:00 (trust list version 8, policy hours, rule 1)");
    permission.hold(9, []);
    expect(verdict("ship2")).toBe("steward.yaml:7 (allow ...)");
  });

  it("hold the nodes alone that they name", () => {
    const { verdict, permission } = node(subscription('from: ["*"]'));
    permission.hold(7, [{ name: "tankers", nodes: ["ship2"], rules: [{ subject: NGINX, from: ["nobody"] }] }]);
    expect(verdict("central")).toBe("steward.yaml:5");
  });

  it.each<[Json]>([
    [{ name: "new", nodes: ["ship1"], rules: [{ subject: NGINX, moon: "full" }] }],
    [{ name: "new", nodes: ["ship1"], rules: [] }],
    [{ name: "new", nodes: "ship1", rules: [{ subject: NGINX }] }],
    [{ name: "new", nodes: ["ship1"], rules: [{ subject: NGINX, allow: [{ script: "ls" }] }] }],
    ["new"],
  ])("refuse all but the messages between daemons where they cannot be read: %j", (policy) => {
    const { verdict, permission } = node(
      `${subscription("from: [central]")}- {subject: event.syslogforwarding.steward, from: [central]}\n`,
    );
    permission.hold(3, [policy]);
    expect(verdict("central")).toMatch(/^no: it cannot be read by this version of steward: .*\(trust list version 3/);
    expect(verdict("central", { lines: [] }, "event.syslogforwarding.steward")).toBe("steward.yaml:7");
  });
});
