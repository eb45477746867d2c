import { StewardError } from "../../message/errors.ts";
import { bytes } from "../../message/text/figures.ts";
import type { TargetView } from "../../runtime/operate/table/nodes.ts";
import type { Cli } from "../cli.ts";
import { counted, visible } from "../render/text.ts";

/** Names that are shown of a long list. */
const SHOWN = 10;

/** Prints who a target means, before anything is sent: how many nodes, the first of them, how many of them are away. */
export function showMeant(cli: Cli, view: TargetView): void {
  if (cli.json) cli.printJsonLine({ type: "target", ...view });
  for (const line of meantLines(view)) cli.note(line);
}

function meantLines({ target, nodes, away, lacking, bytes: each }: TargetView): string[] {
  const first = nodes.slice(0, SHOWN).map(visible).join(", ");
  const more = nodes.length > SHOWN ? ` and ${nodes.length - SHOWN} more` : "";
  const gone = away === 0 ? "" : `, ${away === nodes.length ? "all" : away} of them away`;
  return [
    `${visible(target)} means ${counted(nodes.length, "node")}${gone}: ${first}${more}`,
    ...lacking.map(({ key, nodes: count }) =>
      count === nodes.length ? `none of them has ${visible(key)}` : `${count} of them without ${visible(key)}`,
    ),
    ...(each === undefined
      ? []
      : [`${bytes(each)} to each, ${bytes(each * nodes.length)} together, before compression`]),
  ];
}

/**
 * Makes sure that so many nodes are meant: without --yes, more than `limits.targets` are asked for on a terminal, and refused
 * elsewhere.
 *
 * @throws StewardError `target-large`
 */
export async function insistMeant(cli: Cli, view: TargetView, yes: boolean): Promise<void> {
  const { target, nodes, most } = view;
  if (yes || nodes.length <= most) return;
  const { stdin, stderr } = cli.io;
  if (stdin.isTerminal === true && stderr.isTTY === true && !cli.json) {
    stderr.write(`go on with ${nodes.length} nodes? [y/N] `);
    if (/^y(es)?$/i.test((await firstLine(stdin)).trim())) return;
  }
  throw new StewardError("target-large", { target: visible(target), count: nodes.length, most });
}

async function firstLine(stdin: AsyncIterable<Uint8Array | string>): Promise<string> {
  let text = "";
  for await (const chunk of stdin) {
    text += typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8");
    if (text.includes("\n")) break;
  }
  return text;
}
