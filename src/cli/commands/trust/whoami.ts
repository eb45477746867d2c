import type { Command } from "commander";
import type { WhoAmI } from "../../../runtime/operate/table/operators.ts";
import { command, type Runner } from "../../command.ts";
import { visible } from "../../render/text.ts";

const HOW: Readonly<Record<WhoAmI["by"], string>> = {
  socket: "by the socket; nothing was signed",
  signature: "by a signature with your key",
  session: "by a session of the page",
  token: "by a token",
};
const ROLE: Readonly<Record<WhoAmI["role"], string>> = {
  anyone: "none: sign with a key of an operator",
  viewer: "viewer: looks, and changes nothing",
  operator: "operator: sends and cancels messages",
  admin: "admin: does all, also decides on nodes and operators",
};

export function addWhoami(program: Command, run: Runner): void {
  command(program, "whoami", {
    summary: "say who the daemon takes you for, and what you may do",
    description: `Say who the daemon takes you for, and what you may do. Without a key you are whoever may use the daemon's socket (\`local\`), with
the role that \`operators.socket\` gives; with --as or STEWARD_OPERATOR_KEY you are the operator whose key signs.`,
    examples: [
      ["steward whoami", "name, role and bounds"],
      ["steward whoami --as ann", "the same, signed with the key of ann"],
    ],
  }).action(
    run(async (cli) => {
      const me = await (await cli.daemon()).whoami();
      if (cli.json) cli.printJson(me);
      else
        cli.print(
          `${visible(me.name)}, known ${HOW[me.by]}`,
          `role      ${ROLE[me.role]}`,
          ...(me.role === "operator"
            ? [`nodes     ${visible(me.on ?? "all")}`, `methods   ${me.methods?.map(visible).join(", ") ?? "all"}`]
            : []),
        );
      return undefined;
    }),
  );
}
