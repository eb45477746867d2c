import { describe, expect, it } from "vitest";
import type { SubscribeConfig } from "../../../src/config/config.ts";
import { StewardError } from "../../../src/message/errors.ts";
import type { Method } from "../../../src/methods/define.ts";
import { Routes } from "../../../src/runtime/receive/routes.ts";
import { Permission } from "../../../src/security/policy/permission.ts";
import { configOf, DESIGN_EXAMPLE } from "../../config/samples.ts";

const command = { check: () => undefined, run: async () => ({ state: "succeeded" as const }) };
const event = { check: () => undefined, handle: async () => undefined };
const methods = new Map<string, Method>(
  [
    { name: "shellcommand", summary: "", command },
    { name: "errorlog", summary: "", event },
    { name: "both", summary: "", command, event },
  ].map((method) => [method.name, method]),
);

function settings(subject: string): SubscribeConfig {
  const [kind = "command", method = "", domain = ""] = subject.split(".");
  return {
    subject,
    kind: kind as "command",
    method,
    domain,
    from: ["central"],
    allow: null,
    deny: [],
    hours: null,
    atOnce: null,
    signed: null,
    at: { rule: "", from: "", hours: "", atOnce: "", signed: "" },
    concurrency: 1,
    queue: 10,
    foreign: false,
    run: null,
  };
}

const permission = new Permission({
  signatures: { operatorOf: () => undefined },
  config: () => configOf(DESIGN_EXAMPLE),
  subscriptions: ({ subscribe }) => subscribe,
  clock: { now: () => 0 },
  audit: { record: () => undefined, refused: () => undefined },
});

function codeOf(work: () => unknown): object {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(StewardError);
    const { code, details } = error as StewardError;
    return { code, ...details };
  }
  return {};
}

describe("the routes of a node", () => {
  it("lead from a full subject to its setting and its method", () => {
    const routes = new Routes("ship1", methods, { hasRoom: () => true }, permission);
    const route = routes.add(settings("command.shellcommand.os"));
    routes.add(settings("event.errorlog.os"));
    expect(route).toMatchObject({
      subject: "ship1.command.shellcommand.os",
      waiting: 0,
      process: undefined,
      method: { name: "shellcommand" },
    });
    expect(routes.find("ship1.command.shellcommand.os")).toBe(route);
    expect(routes.get("ship1.command.shellcommand.os")).toBe(route);
    expect([...routes.all()].map(({ subject }) => subject)).toEqual([
      "ship1.command.shellcommand.os",
      "ship1.event.errorlog.os",
    ]);
    expect(routes.method("errorlog")?.name).toBe("errorlog");
  });

  it("end when they are removed", () => {
    const routes = new Routes("ship1", methods, { hasRoom: () => true }, permission);
    routes.add(settings("command.shellcommand.os"));
    routes.remove("ship1.command.shellcommand.os");
    expect([routes.get("ship1.command.shellcommand.os"), [...routes.all()]]).toEqual([undefined, []]);
    expect(codeOf(() => routes.find("ship1.command.shellcommand.os"))).toMatchObject({
      code: "subject-not-subscribed",
    });
  });

  it.each<[string, object]>([
    [
      "ship1.command.shellcommand.nginx",
      { code: "subject-not-subscribed", node: "ship1", subject: "ship1.command.shellcommand.nginx" },
    ],
    [
      "ship1.command.Shellcommand.os",
      { code: "method-unknown", method: "Shellcommand", known: "both, errorlog, shellcommand" },
    ],
    ["ship1.command.reboot.os", { code: "method-unknown", method: "reboot" }],
    ["ship1.event.shellcommand.os", { code: "method-unknown", method: "shellcommand" }],
    ["ship1.command.errorlog.os", { code: "method-unknown", method: "errorlog" }],
    ["ship1.event.both.os", { code: "subject-not-subscribed" }],
    ["ship1.command.constructor.os", { code: "method-unknown" }],
    ["ship1.command.__proto__.os", { code: "method-unknown" }],
    ["ship2.command.shellcommand.os", { code: "subject-not-subscribed" }],
    ["ship1.command.shellcommand", { code: "subject-invalid" }],
    ["ship1.command.*.os", { code: "subject-invalid" }],
    ["", { code: "subject-invalid" }],
  ])("say why nothing takes %j", (subject, why) => {
    const routes = new Routes("ship1", methods, { hasRoom: () => true }, permission);
    routes.add(settings("command.shellcommand.os"));
    expect(codeOf(() => routes.find(subject))).toMatchObject(why);
  });

  it("are not made to a method that does not exist, or takes messages of the other kind", () => {
    const routes = new Routes("ship1", methods, { hasRoom: () => true }, permission);
    for (const subject of [
      "command.reboot.os",
      "event.shellcommand.os",
      "command.errorlog.os",
      "command.toString.os",
    ]) {
      expect(codeOf(() => routes.add(settings(subject)))).toMatchObject({ code: "method-unknown", node: "ship1" });
    }
    expect([...routes.all()]).toEqual([]);
  });
});
