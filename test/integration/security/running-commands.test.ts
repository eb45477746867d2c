import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { type Fleet, startFleet } from "../../harness/fleet/fleet.ts";

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 90_000 });

const isRoot = process.getuid?.() === 0;
const SECRET = "correct-horse-battery";
const TOKEN = "tr0ub4dor-and-3";

const command = (domain: string, run: object = {}) => ({
  subject: `command.shellcommand.${domain}`,
  from: ["central"],
  run,
});

/** Every file below a directory that holds one of the texts. */
function holders(directory: string, texts: readonly string[], except: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.startsWith(except))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => texts.some((text) => readFileSync(path).includes(text)));
}

async function started(subscribe: readonly object[], more: object = {}): Promise<Fleet> {
  const fleet = await startFleet({
    nodes: {
      central: {},
      ship1: { env: { DEPLOY_TOKEN: TOKEN, FLEET_COLOUR: "blue" }, config: { subscribe, ...more } },
    },
    away: ["ship1"],
  });
  return fleet;
}

async function up(fleet: Fleet): Promise<void> {
  await fleet.node("ship1").start();
  await fleet.link("ship1", "online");
}

const line = (fleet: Fleet, domain: string, ...words: string[]) =>
  fleet.steward("run", "ship1", "--domain", domain, "--", ...words);

describe("a secret of a node", () => {
  test("reaches the program, and no journal, record, log or output", async () => {
    const fleet = await started([command("os"), command("bare", { secrets: [] })], {
      secrets: { directory: "./secrets", environment: { token: "DEPLOY_TOKEN" } },
    });
    const own = join(fleet.node("ship1").directory, "secrets");
    mkdirSync(own);
    writeFileSync(join(own, "db"), `${SECRET}\n`, { mode: 0o600 });
    writeFileSync(join(own, "open"), "open-to-all", { mode: 0o644 });
    chmodSync(join(own, "open"), 0o644);
    await up(fleet);

    const script = `test "$PASS" = ${SECRET} && test "$(cat)" = ${SECRET.length} && echo "$PASS" secret:token; echo secret:db >&2`;
    const shown = script.replaceAll(SECRET, "secret:db");
    const run = await fleet.central.stewardWith(
      String(SECRET.length),
      ...["run", "ship1", "--domain", "os", "--env", "PASS=secret:db", "--stdin", "--script", "--", shown],
    );
    expect(run.stdout).toBe("[secret:db] [secret:token]\n");
    expect(run.stderr).toContain("[secret:db]");
    expect(run.code).toBe(0);

    // The variable itself is no command's.
    expect((await line(fleet, "os", "sh", "-c", "echo $DEPLOY_TOKEN; env")).stdout).not.toContain(TOKEN);

    const unknown = await line(fleet, "os", "echo", "secret:nosuch");
    expect(unknown.code).toBe(1);
    expect(unknown.stdout + unknown.stderr).toContain("secret:nosuch is not known on ship1: name it under `secrets:`");
    const open = await line(fleet, "os", "echo", "secret:open");
    expect(open.stdout + open.stderr).toMatch(/other users may read .*chmod 600/);
    const bare = await line(fleet, "bare", "echo", "secret:db");
    expect(bare.stdout + bare.stderr).toContain("secret:db is not in `run.secrets`");
    // A refused command never ran.
    const refused = (await fleet.central.api.messages({ limit: 1 })).at(-1);
    expect(refused?.state).toBe("rejected");

    for (const { stdout } of [fleet.central.daemon, fleet.node("ship1").daemon]) {
      expect(stdout).not.toContain(SECRET);
      expect(stdout).not.toContain(TOKEN);
    }
    expect(holders(fleet.directory, [SECRET, TOKEN], own)).toEqual([]);
  });
});

describe("the bounds of a subscription", () => {
  test("hold for its commands, and say why a command is not within them", async () => {
    const fleet = await started([
      command("os"),
      command("kept", { environment: ["FLEET_*"], umask: "027" }),
      command("ghost", { user: "no-such-user" }),
      command("small", { directory: "./srv", limits: { files: 32, fileSize: "4KB" } }),
    ]);
    const srv = join(fleet.node("ship1").directory, "srv");
    mkdirSync(srv);
    await up(fleet);

    const usual = await line(fleet, "os", "env");
    expect(usual.stdout).not.toContain("FLEET_COLOUR");
    const kept = await line(fleet, "kept", "sh", "-c", "echo $FLEET_COLOUR; umask");
    expect(kept.stdout).toBe("blue\n0027\n");
    const own = ["run", "ship1", "--domain", "kept", "--env"] as const;
    expect((await fleet.steward(...own, "LC_ALL=C", "--", "true")).code).toBe(0);
    const other = await fleet.steward(...own, "BASH_ENV=/tmp/x", "--", "true");
    expect(other.stdout + other.stderr).toContain("the variable BASH_ENV is not in `run.environment`");

    const small = await line(fleet, "small", "sh", "-c", "pwd; ulimit -n");
    expect(small.stdout).toBe(`${srv}\n32\n`);
    const out = await fleet.steward("run", "ship1", "--domain", "small", "--cwd", "/etc", "--", "pwd");
    expect(out.stdout + out.stderr).toContain("/etc does not lie in");
    const early = await fleet.steward("run", "ship1", "-d", "small", "-e", "LD_PRELOAD=/tmp/x.so", "--", "true");
    expect(early.stdout + early.stderr).toContain("LD_PRELOAD would act before the limits");

    const fault = "this system has no user called no-such-user";
    const ghost = await line(fleet, "ghost", "true");
    expect(ghost.code).toBe(1);
    expect(ghost.stdout + ghost.stderr).toContain(fault);
    expect((await fleet.steward("ps", "ship1")).stdout).toContain(fault);
    expect((await fleet.node("ship1").steward("doctor")).stdout).toContain(fault);
    expect((await fleet.node("ship1").steward("config", "check")).stderr).toContain(fault);
  });

  test.runIf(isRoot)("make its commands those of another user, where the daemon is root", async () => {
    const fleet = await started([command("web", { user: "nobody", group: "nogroup" })]);
    await up(fleet);
    const who = await line(fleet, "web", "sh", "-c", "id -un; id -G; echo $HOME $USER; pwd");
    expect(who.stdout).toBe("nobody\n65534\n/ nobody\n/\n");
    const own = await line(fleet, "web", "cat", fleet.node("ship1").config);
    expect(own.code).toBe(1);
  });
});
