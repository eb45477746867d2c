import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CONTROLLERS, GROUPS_SLICE, GROUPS_UNIT } from "../../src/platform/command-groups.ts";
import { tempDir } from "../harness/temp.ts";
import { ROOT } from "../repository/parts/sources.ts";

const read = (name: string): string => readFileSync(join(ROOT, "packaging", name), "utf8");
const settingsOf = (text: string) =>
  new Map([...text.matchAll(/^(\w+)=(.*)$/gm)].map(([, key = "", value = ""]) => [key, value]));

describe("the unit for systemd", () => {
  const unit = read("steward.service");
  const settings = settingsOf(unit);

  it.each([
    ["commands outlive the daemon", { KillMode: "process" }],
    ["a command that is ended for want of memory does not stop the daemon", { OOMPolicy: "continue" }],
    [
      "a daemon that fails again and again is started again for ever",
      { Restart: "always", StartLimitIntervalSec: "0" },
    ],
    ["a daemon that hangs is ended and started again", { Type: "notify", NotifyAccess: "all", WatchdogSec: "2min" }],
    ["a daemon is asked to stop before it is killed", { SendSIGKILL: "yes", TimeoutStopSec: "30" }],
    [
      "a configuration with faults makes a reload fail",
      { ExecReload: "/usr/bin/steward reload --config /etc/steward/steward.yaml" },
    ],
    ["the daemon is no root, and its group reaches the socket", { User: "steward", RuntimeDirectoryMode: "0750" }],
    ["journal and output are the daemon's alone", { StateDirectoryMode: "0700" }],
  ])("says that %s", (_, wanted) => {
    expect(Object.fromEntries(settings)).toMatchObject(wanted);
  });

  it("runs beside the service of the control groups, in one slice, and has none in its own group", () => {
    const commands = settingsOf(read("steward-commands.service"));
    expect(settings.get("Wants")).toBe("steward-commands.service");
    expect(settings.get("After")).toBe("steward-commands.service");
    expect([settings.get("Slice"), commands.get("Slice")]).toEqual([GROUPS_SLICE, GROUPS_SLICE]);
    // Before version 254 systemd could not start the daemon again while commands have groups in its own.
    expect(settings.has("Delegate")).toBe(false);
    expect(Object.fromEntries(commands)).toMatchObject({
      ...{ User: settings.get("User"), Delegate: CONTROLLERS.join(" "), KillMode: "process", OOMPolicy: "continue" },
    });
    expect(commands.get("ExecStartPost")).toContain(`cd ${GROUPS_UNIT}`);
  });

  it("puts no limit on the daemon that its commands would inherit", () => {
    const sandbox =
      /^(Protect|Private|Restrict|MemoryMax|MemoryHigh|NoNewPrivileges|SystemCallFilter|CapabilityBounding|RuntimeMax)/;
    expect([...settings.keys()].filter((key) => sandbox.test(key))).toEqual([]);
  });

  it.for([
    ["alone", false],
    ["with the drop-in that confines it", true],
  ] as const)("is understood by systemd %s", async ([, confined], { skip }) => {
    const directory = await tempDir();
    const path = join(directory, "steward.service");
    // The program need not be installed here.
    writeFileSync(path, unit.replace(/^(Exec\w+=)\S+/gm, `$1${process.execPath}`));
    writeFileSync(join(directory, "steward-commands.service"), read("steward-commands.service"));
    if (confined) {
      mkdirSync(`${path}.d`);
      writeFileSync(join(`${path}.d`, "confined.conf"), read("confined.conf"));
    }
    const { error, status, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", path], { encoding: "utf8" });
    if (error !== undefined) return skip("systemd-analyze is not here");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });
});

describe("the scripts of the package", () => {
  it.each(["deb/postinst", "deb/prerm", "deb/postrm", "steward"])(
    "%s is a shell script without faults of syntax",
    (name) => {
      expect(spawnSync("sh", ["-n", join(ROOT, "packaging", name)], { encoding: "utf8" })).toMatchObject({
        status: 0,
        stderr: "",
      });
    },
  );
});
