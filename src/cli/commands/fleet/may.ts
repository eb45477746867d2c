import type { Command } from "commander";
import { scriptDigest } from "../../../config/policy/argument-pattern.ts";
import { EXIT } from "../../../message/errors.ts";
import type { Json } from "../../../message/message.ts";
import { command, type Runner } from "../../command.ts";
import { commandData } from "../../input/command-data.ts";
import { visible } from "../../render/text.ts";
import { withNodeSuggestion } from "../../suggest.ts";

interface Options {
  readonly script?: string | boolean;
}

export function addMay(program: Command, run: Runner): void {
  command(program, "may", {
    summary: "say whether somebody may send something to a node, and which line decides",
    description: `Ask a node whether it would take a message, and which line of its policy decides. Nothing is sent or run.

WHO is the node that would send it, an operator, or OPERATOR@NODE for a message that carries an operator's signature: the
bounds of the operator are judged as well. SUBJECT is
<command|event>.<method>.<domain>. The command to be judged stands behind \`--\`, as with \`steward run\`; without one the answer
is about all that the subject takes. With --script the digest is printed by which \`allow\` names the script.

The node itself answers, by its own file and by the policies that central has signed for it: it has to be in reach, and it
answers those alone who may control it (\`control.from\`).

Exit code: 0 it may, 1 it may not.`,
    examples: [
      ["steward may central ship1 command.shellcommand.nginx -- nginx -s reload", "would ship1 run this for central"],
      ["steward may ann@central ship1 command.shellcommand.nginx", "may it at all, with the signature of ann"],
      ["steward may central ship1 command.shellcommand.nginx --script fix.sh", "a script, and its digest"],
    ],
  })
    .argument("<who>", "node, or OPERATOR@NODE")
    .argument("<node>", "node that would receive it")
    .argument("<subject>", "<command|event>.<method>.<domain>")
    .argument("[command...]", "program and arguments; write -- before it")
    .option("--script [file]", "judge a script: a file, - for standard input, or the words after `--`")
    .action(
      run<Options>(async (cli, { script }, [who = "", node = "", subject = "", ...argv]) => {
        const [origin = "", operator] = who.split("@").reverse();
        const asksData = argv.length > 0 || script !== undefined;
        const data: Json | undefined = asksData
          ? await commandData(cli, { argv, ...(script === undefined ? {} : { script }) })
          : undefined;
        const question = {
          node,
          origin,
          subject,
          ...(operator === undefined ? {} : { operator }),
          ...(data === undefined ? {} : { data }),
        };
        const daemon = await cli.daemon();
        const answer = await withNodeSuggestion(daemon, daemon.may(question));
        const exit = answer.allowed ? EXIT.ok : EXIT.someFailed;
        if (cli.json) {
          cli.printJson(answer);
          return exit;
        }
        const verb = answer.allowed ? "may send" : "may not send";
        cli.print(`${answer.allowed ? "yes" : "no"}: ${visible(who)} ${verb} ${visible(subject)} to ${visible(node)}`);
        for (const { allowed, where, layer, fault } of answer.words) {
          const place = where.startsWith(layer) ? where : `${where}, ${layer}`;
          cli.print(`  ${allowed ? "✓" : "✗"}  ${visible(place)}${fault === undefined ? "" : `: ${visible(fault)}`}`);
        }
        const text = typeof data === "object" && data !== null && "script" in data ? data.script : undefined;
        if (typeof text === "string") cli.note(`this script in \`allow\`: {script: ${scriptDigest(text)}}`);
        return exit;
      }),
    );
}
