import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { checkConfig } from "../../src/config/check.ts";
import { parseMessages } from "../../src/intake/message-file.ts";
import type { Method } from "../../src/methods/define.ts";
import { startFleet } from "../harness/fleet/fleet.ts";
import { filesBelow, ROOT } from "../repository/parts/sources.ts";

const files = filesBelow("examples");
const configs = files.filter((path) => basename(path) === "steward.yaml");
const messages = files.filter((path) => /^examples\/(messages\/|method\/ask)/.test(path));
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const METHOD = join(ROOT, "examples/method/diskspace.mjs");

describe("the examples", () => {
  it.each(configs)("%s is a valid configuration", (path) => {
    expect(checkConfig(read(path), join(ROOT, path), {})).toHaveProperty("config");
  });

  it("of messages say the same in each form", () => {
    expect(messages).toHaveLength(4);
    const drafts = new Map(messages.map((path) => [basename(path), parseMessages(read(path), { name: path })]));
    const subjects = (name: string) => drafts.get(name)?.map(({ subject }) => subject);
    const both = ["ship1.command.shellcommand.operatingsystem", "ship2.command.shellcommand.operatingsystem"];
    expect(subjects("short.yaml")).toEqual([...both, "ship1.command.shellcommand.nginx"]);
    expect(subjects("long.yaml")).toEqual(both);
    expect(subjects("list.json")).toEqual(both);
    expect(drafts.get("short.yaml")?.[0]).toMatchObject({ deliverBy: 7_200_000, timeout: 30_000 });
    expect(drafts.get("long.yaml")?.[0]).toMatchObject({ deliverBy: 7_200_000, timeout: 30_000 });
  });

  it("send logs to the addresses at which the edge node listens", () => {
    const edge = read("examples/edge/steward.yaml");
    const nginx = /server=([\d.:]+)/.exec(read("examples/nginx/steward.conf"))?.[1];
    expect(edge).toContain(`syslog: udp://${nginx}`);
    const [, target, port] = /target="([\d.]+)" port="(\d+)"/.exec(read("examples/rsyslog/steward.conf")) ?? [];
    expect(edge).toContain(`syslog: tcp://${target}:${port}`);
  });

  it("have a method that refuses bad data", async () => {
    const { method } = (await import(pathToFileURL(METHOD).href)) as { method: Method };
    expect(() => method.command?.check({ path: "/" })).not.toThrow();
    for (const data of [null, "/", { path: 1 }, {}]) expect(() => method.command?.check(data)).toThrow("expected");
  });

  it("have a method that a daemon loads and runs", async () => {
    const subscribe = [{ subject: "command.diskspace.operatingsystem", from: ["central"], allow: ["/*"] }];
    const fleet = await startFleet({ nodes: { central: { config: { methods: [METHOD], subscribe } } } });
    const sent = await fleet.steward("send", join(ROOT, "examples/method/ask.yaml"), "--follow");
    expect(sent.stderr).toMatch(/1 succeeded/);
    expect(sent.stderr).toMatch(/1 failed/);
    const list = JSON.parse((await fleet.steward("messages", "--method", "diskspace", "--out", "--json")).stdout);
    const [found, missing] = list as { id: string; reason?: string }[];
    const detail = JSON.parse((await fleet.steward("message", found?.id ?? "", "--json")).stdout);
    expect(detail.outcome.result).toEqual({ bytes: expect.any(Number), free: expect.any(Number) });
    expect(missing?.reason).toBe("/no/such/directory: ENOENT");
  });
});
