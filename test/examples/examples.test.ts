import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { checkConfig } from "../../src/config/check.ts";
import { parseMessages } from "../../src/intake/message-file.ts";
import type { Method } from "../../src/methods/define.ts";
import { startFleet } from "../harness/fleet.ts";
import { tempDir } from "../harness/temp.ts";
import { filesBelow, ROOT } from "../repository/sources.ts";

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

  describe("for systemd", () => {
    const unit = read("examples/systemd/steward.service");
    const settings = new Map([...unit.matchAll(/^(\w+)=(.*)$/gm)].map(([, key = "", value = ""]) => [key, value]));

    it.each([
      ["commands outlive the daemon", { KillMode: "process" }],
      ["a command that is ended for want of memory does not stop the daemon", { OOMPolicy: "continue" }],
      [
        "a daemon that fails again and again is started again for ever",
        { Restart: "always", StartLimitIntervalSec: "0" },
      ],
      [
        "it is asked to stop before it is killed, and to reload by SIGHUP",
        { SendSIGKILL: "yes", ExecReload: "/bin/kill -HUP $MAINPID" },
      ],
    ])("say that %s", (_, wanted) => {
      expect(Object.fromEntries(settings)).toMatchObject(wanted);
    });

    it("put no limit on the daemon that its commands would inherit", () => {
      const sandbox =
        /^(Protect|Private|Restrict|MemoryMax|MemoryHigh|NoNewPrivileges|SystemCallFilter|CapabilityBounding|RuntimeMax)/;
      expect([...settings.keys()].filter((key) => sandbox.test(key))).toEqual([]);
    });

    it("have a unit that systemd understands, where there is one", async () => {
      const directory = await tempDir();
      const path = join(directory, "steward.service");
      // Its program need not be installed here.
      writeFileSync(path, unit.replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`));
      const { error, status, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", path], {
        encoding: "utf8",
      });
      if (error !== undefined) return;
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    });
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
