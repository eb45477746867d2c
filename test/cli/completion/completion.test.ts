import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { SHELLS } from "../../../src/cli/completion/scripts.ts";
import { world } from "../world.ts";

const CHECK = { bash: ["-n"], zsh: ["-n"], fish: ["--no-execute"] } as const;

const installed = (shell: string): boolean => spawnSync(shell, ["-c", "true"]).status === 0;

for (const shell of SHELLS) {
  test.skipIf(!installed(shell))(
    `the script for ${shell} is valid (skipped where ${shell} is not installed)`,
    async () => {
      const w = await world();
      const { code, out } = await w.run(["completion", shell]);
      expect(code).toBe(0);
      const file = join(w.directory, `steward.${shell}`);
      await writeFile(file, out);
      execFileSync(shell, [...CHECK[shell], file]);
    },
  );

  test(`the script for ${shell} names every command and asks for the rest`, async () => {
    const w = await world();
    const { out } = await w.run(["completion", shell]);
    for (const word of ["nodes", "message", "doctor", "completion"]) expect(out).toContain(word);
    expect(out).toContain("steward __complete -- ");
  });
}

test("bash completes commands by itself and names by asking steward", async () => {
  const w = await world();
  const { out } = await w.run(["completion", "bash"]);
  await writeFile(join(w.directory, "c.bash"), out);
  // In the place of steward: answers with what it was asked.
  await writeFile(
    join(w.directory, "steward"),
    `#!/bin/sh\nshift 2\nprintf 'ship1\\tonline\\nasked-%s\\tx\\n$(touch owned)\\n' "$*"\n`,
  );
  await chmod(join(w.directory, "steward"), 0o755);
  const complete = (...words: string[]): string[] => {
    const script = `. ./c.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _steward; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const env = { ...process.env, PATH: `${w.directory}:${process.env.PATH}` };
    return execFileSync("bash", ["-c", script, "bash", ...words], { cwd: w.directory, env })
      .toString()
      .trimEnd()
      .split("\n");
  };
  expect(complete("steward", "no")).toEqual(["nodes", "node"]);
  expect(complete("steward", "node", "sh")).toEqual(["ship1"]);
  expect(complete("steward", "node", "as")).toEqual(["asked-node as"]);
  expect(complete("steward", "node", "$")).toEqual(["$(touch owned)"]);
  expect(existsSync(join(w.directory, "owned"))).toBe(false);
});

test("an unknown shell is bad usage", async () => {
  const w = await world();
  expect((await w.run(["completion", "csh"])).code).toBe(2);
});

test.each([
  [["no"], ["node", "nodes"]],
  [["nodes", "--abs"], ["--absolute"]],
  [["nodes", "--js"], ["--json"]],
  [
    ["node", "sh"],
    ["ship1", "ship2", "ship3"],
  ],
  [
    ["run", "s"],
    ["ship1", "ship2", "ship3"],
  ],
  [["run", "a"], ["all"]],
  [
    ["run", "ship1,"],
    ["ship1,central", "ship1,ship2", "ship1,ship3"],
  ],
  [["run", "ship1", "--", "x"], []],
  [["--json", "messages", "--node", "ship3"], ["ship3"]],
  [["revive", "ship1", "ship1.command.shellcommand.n"], ["ship1.command.shellcommand.nginx"]],
  [["dead", "re"], ["retry"]],
  [["completion", "z"], ["zsh"]],
  [["config", "ch"], ["check"]],
  [["send", "x"], [":files"]],
  [["nodes", "--config", ""], [":files"]],
])("completes %j", async (words, expected) => {
  const w = await world();
  const { code, out } = await w.run(["__complete", "--", ...words]);
  expect(code).toBe(0);
  expect(
    out
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.split("\t")[0])
      .sort(),
  ).toEqual(expected);
});

test("message ids complete with the newest first, dead letters with theirs, cancel with open ones only", async () => {
  const w = await world();
  const ids = w.ops.messageList.map((message) => message.id);
  const complete = async (...words: string[]) =>
    (await w.run(["__complete", "--", ...words])).out
      .split("\n")
      .filter(Boolean)
      .map((line) => line.slice(0, 26));
  expect(await complete("message", "01")).toEqual([...ids].reverse());
  expect(await complete("cancel", "")).toEqual([ids[1]]);
  expect(await complete("dead", "drop", "")).toEqual([w.ops.deadList[0]?.id]);
});

test("completion is silent without a daemon, and does not wait for one that does not answer", async () => {
  const w = await world();
  const never = w.start(["__complete", "--", "node", ""], { reach: { connect: () => new Promise(() => undefined) } });
  await w.until(() => w.ops.clock.armed > 0);
  await w.ops.clock.advance(300);
  expect(await never.code).toBe(0);
  expect(never.both()).toBe("");
  await w.down();
  expect(await w.run(["__complete", "--", "node", ""])).toEqual({ code: 0, out: "", err: "" });
});
