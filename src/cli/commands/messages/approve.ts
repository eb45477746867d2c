import type { Command } from "commander";
import type { ApprovalView } from "../../../runtime/operate/table/operators.ts";
import { command, type Runner } from "../../command.ts";
import { idOf } from "../../input/options.ts";
import { table } from "../../render/table.ts";
import { counted, visible } from "../../render/text.ts";

const ABOUT = `What two people must want stands under \`approvals:\` in the steward.yaml of the management station. Such a request is held until another
operator than the one who made it approves it; at its deadline it ends as expired.`;

/** Requests that two people must want: `steward approvals`, `approve`, `refuse`. */
export function addApprovals(program: Command, run: Runner): void {
  command(program, "approvals", {
    summary: "list the requests that another operator has to approve",
    description: ABOUT,
    examples: [["steward approvals", "who asked for what, for which nodes, until when"]],
  }).action(
    run(async (cli) => {
      const list = await (await cli.daemon()).approvals();
      if (cli.json) cli.printJson(list);
      else if (list.length === 0) cli.print("nothing waits for an approval");
      else cli.print(...lines(list, cli.times(false).at, cli.columns));
      return undefined;
    }),
  );
  for (const verb of ["approve", "refuse"] as const)
    command(program, verb, {
      summary:
        verb === "approve" ? "let a request go that another operator made" : "end a request that waits for an approval",
      description: `${ABOUT} You sign with your own key (--as, STEWARD_OPERATOR_KEY), and the record of it stays in the audit.`,
      examples: [[`steward ${verb} 01K9ZD3Q5V`, "the request to which this message belongs"]],
    })
      .argument("<id>", "the id of a job or of one of the messages, or the beginning or end of one")
      .action(
        run(async (cli, _options, [id = ""]) => {
          const daemon = await cli.daemon();
          const view = await daemon[verb](idOf(id));
          if (cli.json) cli.printJson(view);
          else {
            const what = `${visible(view.subject)} to ${counted(view.nodes.length, "node")}, which ${visible(view.operator)} asked for`;
            cli.print(
              verb === "approve" ? `approved: ${what}; it is on its way` : `refused: ${what}; it ends as cancelled`,
            );
          }
          return undefined;
        }),
      );
}

function lines(list: readonly ApprovalView[], time: (at: number) => string, columns: number | undefined): string[] {
  return table(
    list,
    [
      { title: "ID", cell: ({ id }) => id },
      { title: "BY", cell: ({ operator }) => visible(operator) },
      { title: "ASKED", cell: ({ askedAt }) => time(askedAt) },
      { title: "ENDS", cell: ({ endsAt }) => (endsAt === null ? "never" : time(endsAt)) },
      {
        title: "NODES",
        cell: ({ nodes }) =>
          visible(nodes.length > 3 ? `${nodes.slice(0, 3).join(",")} and ${nodes.length - 3} more` : nodes.join(",")),
      },
      { title: "WHAT", cell: ({ subject, summary }) => visible(`${summary} [${subject}]`) },
    ],
    columns,
  );
}
