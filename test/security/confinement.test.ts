import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { RunConfig, SecretsConfig } from "../../src/config/config.ts";
import type { RunSpec } from "../../src/methods/spawner.ts";
import { type CommandGroups, commandGroups } from "../../src/platform/command-groups.ts";
import { Confinement } from "../../src/security/confinement.ts";
import { tempDir } from "../harness/temp.ts";

const isRoot = process.getuid?.() === 0;
const LIMITS = { cpu: null, memory: null, processes: null, files: null, fileSize: null };
const TOGETHER = { memory: null, processes: null, cpu: null };
const NONE: RunConfig = {
  ...{ user: null, group: null, directory: null, environment: null, umask: null, secrets: null },
  limits: LIMITS,
  together: TOGETHER,
};
const SPEC: RunSpec = { id: "a", argv: ["true"], timeout: 1, grace: 1, head: 1, tail: 1 };

let base: string;
let secrets: SecretsConfig;
beforeEach(async () => {
  base = await tempDir();
  secrets = { directory: join(base, "secrets"), files: {}, environment: { token: "TOKEN" } };
  mkdirSync(join(base, "secrets"));
});

const confinement = (run: Partial<RunConfig> | null, env: Record<string, string> = {}): Confinement =>
  new Confinement({ node: "ship1", run: run && { ...NONE, ...run }, secrets: () => secrets, env });
/** On a machine with control groups, or with the reason why it has none. */
const grouped = (run: Partial<RunConfig>, groups: CommandGroups | string): Confinement =>
  new Confinement({ node: "ship1", run: { ...NONE, ...run }, secrets: () => secrets, env: {}, groups: () => groups });
const refusal = (run: Partial<RunConfig> | null, spec: Partial<RunSpec>): string | undefined =>
  confinement(run).refusal({ ...SPEC, ...spec });
function secretFile(name: string, text: string, mode = 0o600): void {
  writeFileSync(join(base, "secrets", name), text);
  chmodSync(join(base, "secrets", name), mode);
}

describe("a subscription", () => {
  it("without bounds changes nothing", () => {
    expect(confinement(null).confined(SPEC)).toEqual(SPEC);
    expect(confinement({}).confined(SPEC)).toEqual(SPEC);
    expect(confinement(null).fault).toBeUndefined();
  });

  it.each([
    [{ user: "no-such-user" }, "no user called no-such-user"],
    [{ group: "no-such-group" }, "no group called no-such-group"],
    [{ user: "4242424" }, "write `run.group` too"],
    [{ directory: "/no/such/directory" }, "/no/such/directory is no directory"],
  ])("that cannot be had here says why: %j", (run, fault) => {
    expect(confinement(run).fault).toContain(fault);
    expect(refusal(run, {})).toContain(fault);
    expect(() => confinement(run).confined(SPEC)).toThrow(fault);
  });

  it.runIf(isRoot)("gives its commands the numbers, the home and the variables of its user", () => {
    const { bounds, cwd, env } = confinement({ user: "nobody" }).confined({ ...SPEC, env: { MINE: "1" } });
    expect(bounds).toMatchObject({ uid: 65534, gid: 65534 });
    expect(cwd).toBe("/");
    expect(env).toMatchObject({ HOME: "/", USER: "nobody", LOGNAME: "nobody", MINE: "1" });
    expect(confinement({ user: "4242424", group: "7" }).confined(SPEC).bounds).toEqual({ uid: 4242424, gid: 7 });
  });

  it("bounds all processes of a command together where control groups can be made, and each process elsewhere", () => {
    const run = { limits: { ...LIMITS, memory: 5e9 }, together: { memory: 1e9, processes: 5, cpu: 50 } };
    const here = grouped(run, { folder: "/sys/fs/cgroup/steward.slice/steward-commands.service" });
    expect(here.confined(SPEC).bounds).toEqual({ limits: { memory: 5e9 }, together: run.together });
    const elsewhere = grouped({ ...run, user: null }, "systemd does not run this machine").confined(SPEC).bounds;
    expect(elsewhere).toEqual({ limits: isRoot ? { memory: 1e9 } : { memory: 1e9, processes: 5 } });
    // The service of the groups was started later; once groups are there, no command goes without one.
    const places: (CommandGroups | string)[] = ["not yet", "not yet", { folder: "/groups" }, "not any more"];
    const later = new Confinement({
      ...{ node: "ship1", run: { ...NONE, ...run }, secrets: () => secrets, env: {} },
      groups: () => places.shift() ?? "",
    });
    expect([1, 2, 3].map(() => later.confined(SPEC).bounds?.together)).toEqual([undefined, run.together, run.together]);
    // The shell that enters the group runs before the command.
    for (const name of ["LD_PRELOAD", "BASH_FUNC_echo%%", "BASH_ENV", "SHELLOPTS"])
      expect(here.refusal({ ...SPEC, env: { [name]: "x" } })).toContain(`${name} would act before the limits`);
    expect(here.refusal({ ...SPEC, env: { MINE: "x" } })).toBeUndefined();
  });

  describe("has control groups", () => {
    const slice = (): string => join(base, "groups/steward.slice");
    const folder = (): string => join(slice(), "steward-commands.service");
    const own = process.geteuid?.() ?? 0;
    const asked = (uid: number, visits = false) =>
      commandGroups(
        { uid, visits },
        {
          ...{ systemd: join(base, "system"), groups: join(base, "groups"), own: join(base, "own") },
          folders: [join(base, "bin")],
        },
      );
    const hasSystemd = (controllers = "cpuset cpu io memory pids\n"): void => {
      for (const name of ["system", "groups", "bin"]) mkdirSync(join(base, name));
      writeFileSync(join(base, "groups/cgroup.controllers"), controllers);
    };
    const hasUnit = (controllers = "cpu memory pids\n", owner = own): void => {
      mkdirSync(folder(), { recursive: true });
      writeFileSync(join(slice(), "cgroup.procs"), "");
      writeFileSync(join(folder(), "cgroup.subtree_control"), controllers);
      writeFileSync(join(base, "own"), "0::/steward.slice/steward.service\n");
      if (isRoot) for (const path of [folder(), join(slice(), "cgroup.procs")]) chownSync(path, owner, owner);
    };

    it("on a machine that systemd runs, with version 2 and the three controllers", () => {
      expect(asked(0)).toContain("systemd does not run this machine");
      hasSystemd("cpuset cpu io\n");
      expect(asked(0)).toContain("no control groups of version 2 with memory, pids and cpu");
    });

    it("for a daemon of root, which has the service made where it does not run", () => {
      hasSystemd();
      expect(asked(0)).toContain("systemctl and systemd-run are needed");
      for (const name of ["systemctl", "systemd-run", "setpriv"])
        writeFileSync(join(base, "bin", name), "", { mode: 0o755 });
      const [control, run, user] = ["systemctl", "systemd-run", "setpriv"].map((name) => join(base, "bin", name));
      expect(asked(0)).toEqual({ folder: folder(), maker: { control, run }, user });
      hasUnit();
      expect(asked(0)).toEqual({ folder: folder(), user });
    });

    it("for a daemon of another user where the service hands all three controllers to that user", () => {
      hasSystemd();
      expect(asked(1000)).toContain("does not run: systemctl start steward-commands.service");
      hasUnit("cpu pids\n", isRoot ? 1000 : own);
      const user = isRoot ? 1000 : own;
      expect(asked(user)).toContain("does not run");
      writeFileSync(join(folder(), "cgroup.subtree_control"), "cpu memory pids\n");
      expect(asked(user)).toEqual({ folder: folder() });
      expect(asked(user + 1)).toContain("is not the daemon's");
    });

    it("for a daemon in the same slice: the kernel lets no other process into a group there", () => {
      hasSystemd();
      hasUnit("cpu memory pids\n", isRoot ? 1000 : own);
      const user = isRoot ? 1000 : own;
      writeFileSync(join(base, "own"), "0::/system.slice/steward.service\n");
      expect(asked(user)).toContain("the daemon does not run in steward.slice");
      // Whoever looks on behalf of the daemon runs elsewhere.
      expect(asked(user, true)).toEqual({ folder: folder() });
    });
  });

  it.runIf(isRoot)("does not bound the number of processes of root, and says so", () => {
    expect(confinement({ limits: { ...LIMITS, processes: 5 } }).fault).toContain("does not bind root");
    expect(confinement({ user: "nobody", limits: { ...LIMITS, processes: 5 } }).fault).toBeUndefined();
  });
});

describe("a command", () => {
  it("may ask for a directory within the one that is set", () => {
    const run = { directory: base };
    expect(refusal(run, { cwd: join(base, "secrets") })).toBeUndefined();
    for (const cwd of ["/", join(base, ".."), `${base}-other`, join(base, "secrets/../../..")])
      expect(refusal(run, { cwd }), cwd).toContain("does not lie in");
    expect(confinement(run).confined(SPEC)).toMatchObject({ cwd: base, bounds: { within: base } });
  });

  it("may set the variables that are named, and language and time zone", () => {
    const run = { environment: ["APP_*"] };
    expect(refusal(run, { env: { APP_MODE: "1", LC_ALL: "C", TZ: "UTC" } })).toBeUndefined();
    expect(refusal(run, { env: { PATH: "/tmp" } })).toContain("PATH is not in `run.environment`");
    expect(refusal({}, { env: { PATH: "/tmp" } })).toBeUndefined();
    expect(confinement(run).confined(SPEC).keep).toEqual(["APP_*"]);
  });

  it("may set none that acts before its limits hold", () => {
    const limits = { ...LIMITS, files: 20 };
    for (const name of ["LD_PRELOAD", "LD_LIBRARY_PATH", "GCONV_PATH", "GLIBC_TUNABLES", "MALLOC_TRACE", "LOCPATH"]) {
      expect(refusal({ limits }, { env: { [name]: "x" } })).toContain("would act before the limits");
      expect(refusal({ limits, environment: [name] }, { env: { [name]: "x" } })).toContain("would act before");
      expect(refusal({}, { env: { [name]: "x" } })).toBeUndefined();
    }
  });
});

describe("a secret", () => {
  it("is found in the directory, in a file, and in a variable, without the line break at its end", () => {
    secretFile("db", "from the directory\n");
    writeFileSync(join(base, "own"), "from a file\r\n", { mode: 0o600 });
    secrets = { ...secrets, files: { own: join(base, "own") } };
    const spec = { ...SPEC, argv: ["x", "a secret:db b"] as const, env: { A: "secret:own" }, script: "secret:token" };
    const confined = confinement(null, { TOKEN: "from a variable" }).confined(spec);
    expect(confined).toEqual({
      ...spec,
      secrets: { db: "from the directory", own: "from a file", token: "from a variable" },
    });
  });

  it("is looked for in texts on standard input, and not in base64", () => {
    const input = (encoding: "utf8" | "base64") => ({ input: { text: "secret:nosuch", encoding } });
    expect(refusal(null, input("utf8"))).toContain("secret:nosuch is not known on ship1");
    expect(refusal(null, input("base64"))).toBeUndefined();
  });

  it.each([
    ["secret:nosuch", "secret:nosuch is not known on ship1: name it under `secrets:`"],
    ["secret:open", "other users may read open in"],
    ["secret:link", "it is a link"],
    ["secret:folder", "no regular file"],
    ["secret:short", "has 3 bytes"],
    ["secret:empty", "is empty"],
    ["secret:bytes", "is no text"],
    ["secret:token", "is empty: the variable TOKEN"],
    ["secret:constructor", "is not known on ship1"],
  ])("%s is refused with the reason and without its text", (reference, fault) => {
    secretFile("open", "text-of-the-secret", 0o640);
    secretFile("short", "abc");
    secretFile("empty", "");
    writeFileSync(join(base, "secrets", "bytes"), Buffer.from([0x66, 0xff, 0xfe, 0x66, 0x66]), { mode: 0o600 });
    writeFileSync(join(base, "elsewhere"), "text-of-the-secret", { mode: 0o600 });
    symlinkSync(join(base, "elsewhere"), join(base, "secrets", "link"));
    mkdirSync(join(base, "secrets", "folder"));
    const said = refusal(null, { argv: ["x", reference] });
    expect(said).toContain(fault);
    expect(said).not.toContain("text-of-the-secret");
  });

  it.runIf(isRoot)("in a file of another user is refused", () => {
    secretFile("theirs", "text-of-the-secret");
    chownSync(join(base, "secrets", "theirs"), 65534, 65534);
    expect(refusal(null, { argv: ["x", "secret:theirs"] })).toContain("belongs to another user");
  });

  it("may be used where the subscription lets it be used", () => {
    secretFile("db", "text-of-the-secret");
    const asks = { argv: ["x", "secret:db"] } as const;
    expect(refusal({}, asks)).toBeUndefined();
    expect(refusal({ secrets: ["db"] }, asks)).toBeUndefined();
    expect(refusal({ secrets: [] }, asks)).toContain("secret:db is not in `run.secrets`");
  });
});
