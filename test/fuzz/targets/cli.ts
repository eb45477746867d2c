import { join } from "node:path";
import fc from "fast-check";
import type { CliIo } from "../../../src/cli/io.ts";
import { reachDaemon } from "../../../src/cli/reach.ts";
import { runCli } from "../../../src/cli/run-cli.ts";
import { systemClock } from "../../../src/platform/system-clock.ts";
import { inputOf } from "../../harness/input.ts";
import { damagedText } from "../damage.ts";
import { insist, isPlain, type Target } from "../target.ts";
import { temporaryRoom } from "./runner.ts";

/** Those that begin a daemon, write files or look around on the machine are tried by tests of their own. */
const NOT_HERE = /^(up|demo|init|doctor|watch|inspect)$/;
const WORDS: readonly string[] = [
  ...["run", "send", "nodes", "node", "messages", "message", "cancel", "ps", "start", "stop", "restart", "revive"],
  ...["dead", "machines", "config", "check", "reference", "schema", "completion", "bash", "help", "__complete"],
  ...["ship1", "ship1,ship2", "all", "command.echo.os", "01ABC", "-", "--", "--json", "--domain", "--timeout", "5s"],
  ...["--deliver-by", "forever", "--wait", "--no-wait", "--new", "--limit", "-1", "9".repeat(20), "--state", "failed"],
  ...["--config", "nope.yaml", "--help", "--version", "--script", "", "\u001b[2J", "../..", "a\nb", "__proto__", "*"],
];

export const commandLines: Target = {
  name: "cli",
  about: "the arguments of the command line, separated by NUL, where no daemon runs",
  runs: 500,
  input: damagedText(
    fc
      .array(fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...WORDS) }, fc.string({ maxLength: 8 })), {
        maxLength: 7,
      })
      .map((words) => words.join("\0")),
  ),
  open: temporaryRoom,
  async check(input, { directory }) {
    const argv = Buffer.from(input).toString("utf8").split("\0");
    if (argv.some((word) => NOT_HERE.test(word))) return;
    const out: string[] = [];
    const err: string[] = [];
    const io: CliIo = {
      stdin: inputOf("to: ship1\n"),
      stdout: { write: (text) => out.push(String(text)) },
      stderr: { write: (text) => err.push(String(text)) },
      env: { STEWARD_SOCKET: join(directory, "none.sock") },
      cwd: directory,
      clock: systemClock,
      signals: { on: () => () => undefined },
      outliveReaders: () => undefined,
      exitNow: () => undefined,
    };
    const code = await runCli(argv, io, reachDaemon);
    const said = err.join("");
    insist([0, 1, 2, 3, 4, 5].includes(code), `it ends with ${code}`);
    insist(code === 0 || out.length + err.length > 0, `it ends with ${code} and says nothing`);
    insist(!said.includes("defect in steward"), `it calls itself defective: ${said.slice(0, 300)}`);
    insist(isPlain(said, "\n\t"), `it prints ${JSON.stringify(said)}`);
  },
};
