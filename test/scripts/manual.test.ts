import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { manual } from "../../scripts/release/manual.mjs";
import { buildProgram } from "../../src/cli/program.ts";

const program = await buildProgram(() => async () => undefined, "1.2.3");
const page = manual(program, "1.2.3", 86_400);

test("the manual page has every command, every option and every example that --help has", () => {
  const text = page
    .replace(/\\e/g, "\\")
    .replace(/\\-/g, "-")
    .replace(/\\&/g, "")
    .replace(/\\\[u([0-9A-F]+)\]/g, (_, code) => String.fromCodePoint(Number.parseInt(code, 16)));
  const help = program.createHelp();
  const commands = help.visibleCommands(program).filter((command) => command.name() !== "help");
  expect(commands.length).toBeGreaterThan(15);
  for (const command of commands) {
    expect(text).toContain(`.SS "steward ${command.name()}`);
    for (const child of help.visibleCommands(command).filter((one) => one.name() !== "help"))
      expect(text).toContain(`.SS "steward ${command.name()} ${child.name()}`);
    for (const option of help.visibleOptions(command)) expect(text).toContain(help.optionTerm(option));
  }
  expect(text).toContain('.TH STEWARD 1 "1970-01-02" "steward 1.2.3"');
  expect(text).toContain("\n  $ steward init --listen 10.0.0.1:4222");
  expect(text).toContain("Exit codes: 0 all succeeded");
});

test("the manual page has no line that its formatter takes for an unknown request", ({ skip }) => {
  const { error, stderr, stdout } = spawnSync("groff", ["-man", "-Tutf8", "-ww"], { input: page, encoding: "utf8" });
  if (error !== undefined) return skip("groff is not here");
  // A word that fits no line is spread or runs over: that is no fault of the page.
  expect(stderr.split("\n").filter((line) => !/cannot (?:break|adjust) line/.test(line) && line !== "")).toEqual([]);
  expect(stdout).toContain("steward");
});
