import type { Command } from "commander";
import { EXIT } from "../../../message/errors.ts";
import type { Cli } from "../../cli.ts";
import { command, type Runner } from "../../command.ts";
import { examine } from "../../doctor/examine.ts";
import type { Finding } from "../../doctor/finding.ts";
import { visible } from "../../render/text.ts";

const LOOK = { ok: ["✓ ok", "green"], warn: ["! warn", "yellow"], fail: ["✗ fail", "red"] } as const;

export function addDoctor(program: Command, run: Runner): void {
  command(program, "doctor", {
    summary: "find out what is wrong with this installation",
    description: `Find out what is wrong with this installation: Node.js, configuration, data directory, daemon, broker, journal, processes,
clocks. The journal of a daemon that does not run is checked row by row, in a copy; damaged rows are named by table and key.
Nothing is changed. The exit code is that of the first check that failed; warnings do not count.`,
    examples: [
      ["steward doctor", "all checks, each with what to do"],
      ["steward doctor --config /etc/steward/steward.yaml", "once its daemon is stopped: check the journal"],
      ["steward doctor --json", "the same for programs"],
    ],
  }).action(
    run<object>(async (cli) => {
      const findings = await examine(cli);
      const failed = findings.find((finding) => finding.verdict === "fail");
      if (cli.json) cli.printJson({ ok: failed === undefined, checks: findings });
      else for (const finding of findings) print(cli, finding);
      return failed === undefined ? EXIT.ok : (failed.exit ?? EXIT.someFailed);
    }),
  );
}

function print(cli: Cli, { verdict, check, text, remedy }: Finding): void {
  const [symbol, colour] = LOOK[verdict];
  cli.print(
    `${cli.out(colour, symbol.padEnd(6))}  ${check.padEnd(11)}  ${text.split("\n").map(visible).join("\n    ")}`,
  );
  if (remedy !== undefined) cli.print(`        ${cli.out("dim", "→")} ${visible(remedy)}`);
}
