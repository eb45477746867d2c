import type { Command } from "commander";
import { EXIT } from "../../../message/errors.ts";
import type { CancelAnswer } from "../../../runtime/operate/table/messages.ts";
import { command, type Runner } from "../../command.ts";
import { idOf } from "../../input/options.ts";
import type { Paint } from "../../render/paint.ts";
import { messageState } from "../../render/states.ts";
import { visible } from "../../render/text.ts";

export function addCancel(program: Command, run: Runner): void {
  command(program, "cancel", {
    summary: "take messages back, or end commands that run",
    description: `Take messages back, or end commands that run.

A message that was not sent yet is cancelled at once. For one that was sent, the node is asked: its answer becomes the state
of the message, and \`steward message ID --follow\` waits for it. A message that has its final state cannot be cancelled: exit
code 1.`,
    examples: [["steward cancel 01K9ZD3Q5V", "by id, or an unambiguous beginning of an id"]],
  })
    .argument("<id...>", "ids, or beginnings or ends of them, or @1 for the newest message")
    .action(
      run<object>(async (cli, _options, words) => {
        const daemon = await cli.daemon();
        // A wrong id is told before the first message is cancelled.
        const ids = (await Promise.all(words.map((word) => daemon.message(idOf(word))))).map((message) => message.id);
        const answers: CancelAnswer[] = [];
        for (const id of ids) answers.push(await daemon.cancel(id));
        if (cli.json) cli.printJson(answers);
        else for (const answer of answers) cli.print(sentence(answer, cli.out));
        const late = answers.some((answer) => answer.kind === "tooLate" && answer.state !== "cancelled");
        return late ? EXIT.someFailed : EXIT.ok;
      }),
    );
}

function sentence(answer: CancelAnswer, paint: Paint): string {
  if (answer.kind === "done") return `${answer.id} ${messageState("cancelled", paint)}`;
  if (answer.kind === "requested") return `${answer.id} cancel requested: ${visible(answer.reason)}`;
  if (answer.state === "cancelled") return `${answer.id} ${messageState("cancelled", paint)} already`;
  return `${answer.id} not cancelled: it is ${messageState(answer.state, paint)} already`;
}
