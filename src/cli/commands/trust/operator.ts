import type { Command } from "commander";
import { StewardError } from "../../../message/errors.ts";
import { type CommandText, command, type Runner } from "../../command.ts";
import { operatorDetails, operatorLines } from "../../render/fleet/operators.ts";
import { counted, visible } from "../../render/text.ts";
import { addKey, addRekey } from "./operator-key.ts";

/** `steward operator`: what is decided about people at the management station; keys are made in `operator-key.ts`. */
interface AddOptions {
  readonly role?: string;
  readonly on?: string;
  readonly method?: readonly string[];
  readonly key?: string;
  readonly replace?: boolean;
}

const ROLES = ["viewer", "operator", "admin"] as const;
const WHERE = "To be typed at the management station, with its daemon.";

export function addOperator(program: Command, run: Runner): void {
  const operator = command(program, "operator", {
    summary: "people who command and watch: their keys, roles and bounds",
    description: `People who command and watch. Each has a key of his own, made on his own side; the management station keeps the public half, the
role and the bounds, and tells every node. docs/operators.md has all of it.`,
    examples: [
      ["steward operator key ann", "on ann's side: make her key, and print its public half"],
      ["steward operator add ann --role operator --key U…", "at the management station: let her in"],
      ["steward operator list", "who is an operator, with roles and bounds"],
    ],
  });
  addKey(operator, run);
  addAdd(operator, run);
  addList(operator, run);
  addShow(operator, run);
  addRemove(operator, run);
  addRekey(operator, run);
}

function addAdd(operator: Command, run: Runner): void {
  command(operator, "add", {
    summary: "let in an operator, or give one another role and other bounds",
    description: `Let in an operator. --key is the public half that \`steward operator key\` printed on the person's side. A viewer looks; an operator
also sends and cancels, to the nodes of --on and with the methods of --method; an admin may do all. --on is a target
(docs/targets.md) that counts the labels given at the management station alone, never what a node says of itself. ${WHERE}`,
    examples: [
      ["steward operator add ann --role operator --on 'class=tanker' --key U…", "ann commands the tankers"],
      ["steward operator add bob --key U… --method shellcommand.nginx", "bob commands nginx, everywhere"],
      ["steward operator add ann --role viewer --replace", "from now on ann only looks"],
    ],
  })
    .argument("<name>", "name of the operator")
    .option("--role <role>", "viewer, operator or admin (default: operator)")
    .option("--on <target>", "the nodes: a target over labels, names and groups (default: all)")
    .option("--method <method...>", "the methods: METHOD or METHOD.DOMAIN, * for any characters (default: all)")
    .option("--key <key>", "the public key of the person, U…")
    .option("--replace", "change an operator who is there")
    .action(
      run<AddOptions>(async (cli, { role = "operator", on, method, key, replace }, [name = ""]) => {
        const wanted = ROLES.find((each) => each === role);
        if (wanted === undefined)
          throw new StewardError("usage", {
            fault: `${role} is no role: viewer, operator, admin`,
            command: "operator add",
          });
        const daemon = await cli.daemon();
        const view = await daemon.addOperator(name, {
          role: wanted,
          ...(on === undefined ? {} : { on }),
          ...(method === undefined ? {} : { methods: [...method] }),
          ...(key === undefined ? {} : { key }),
          ...(replace === undefined ? {} : { replace }),
        });
        if (cli.json) cli.printJson(view);
        else cli.print(...operatorDetails(view, cli.times(false)));
        cli.note("every node is told: those that are away, when they are back");
        return undefined;
      }),
    );
}

function addList(operator: Command, run: Runner): void {
  command(operator, "list", {
    summary: "list the operators",
    examples: [["steward operator list", "names, roles, bounds"]],
  }).action(
    run(async (cli) => {
      const list = await (await cli.daemon()).operators();
      if (cli.json) cli.printJson(list);
      else if (list.length === 0) cli.print("there are no operators: `steward operator add --help`");
      else cli.print(...operatorLines(list, cli.times(false), cli.out, cli.columns));
      return undefined;
    }),
  );
}

function addShow(operator: Command, run: Runner): void {
  command(operator, "show", {
    summary: "show one operator, with the public key",
    examples: [["steward operator show ann", "role, bounds, key, since when"]],
  })
    .argument("<name>", "name of the operator")
    .action(
      run(async (cli, _options, [name = ""]) => {
        const view = (await (await cli.daemon()).operators()).find((one) => one.name === name);
        if (view === undefined) throw new StewardError("operator-absent", { operator: name });
        if (cli.json) cli.printJson(view);
        else cli.print(...operatorDetails(view, cli.times(false)));
        return undefined;
      }),
    );
}

const REMOVE: CommandText = {
  summary: "trust an operator no more, from the next request and the next frame on",
  description: `Trust an operator no more. Central refuses the key at once, messages of the operator that were not sent are cancelled, and every node
is told, those that are away when they are back. The name is never given to another key. ${WHERE}`,
  examples: [["steward operator remove ann", "ann has left, or her key was stolen"]],
};

function addRemove(operator: Command, run: Runner): void {
  command(operator, "remove", REMOVE)
    .argument("<name>", "name of the operator")
    .action(
      run(async (cli, _options, [name = ""]) => {
        const removed = await (await cli.daemon()).removeOperator(name);
        if (cli.json) cli.printJson(removed);
        else {
          cli.print(`${visible(name)} is removed: refused from now on, here and at every node that hears of it`);
          if (removed.cancelled > 0)
            cli.print(`${counted(removed.cancelled, "message")} of ${visible(name)} that had not been sent: cancelled`);
        }
        return undefined;
      }),
    );
}
