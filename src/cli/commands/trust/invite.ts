import type { Command } from "commander";
import { fileFault, StewardError } from "../../../message/errors.ts";
import { holdFolder, pathIn, writeIn } from "../../../platform/names.ts";
import type { Invited } from "../../../runtime/operate/table/trust.ts";
import type { Cli } from "../../cli.ts";
import { command, type Runner } from "../../command.ts";
import { duration } from "../../input/options.ts";
import { readUserFile } from "../../input/user-file.ts";
import { checkedText } from "../../io.ts";
import { counted, visible } from "../../render/text.ts";

/** `steward invite`: tokens for one machine, or for each line of a file. */
interface Options {
  readonly label?: readonly string[];
  readonly expires?: string;
  readonly address?: readonly string[];
  readonly replace?: boolean;
  readonly qr?: boolean;
  readonly from?: string;
  readonly out?: string;
}

interface Wanted {
  readonly node: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly replace?: boolean;
}

export function addInvite(program: Command, run: Runner): void {
  const all = (value: string, before: readonly string[] = []): string[] => [...before, value];
  command(program, "invite", {
    summary: "make a token with which one machine joins the fleet",
    description: `Make a token with which one machine joins the fleet under this name: \`steward join TOKEN\` there is all that it takes. The token
pins the keys of the management station and carries the address of the broker, with the login there that stands in the
station's steward.yaml, if one does; it is good once, for a day unless --expires
says otherwise. Whoever has it can join in the node's place: hand it over like a password. To be typed at the management
station, with its daemon.

--from takes a file with one node on each line, \`ship1 class=tanker port=hamburg\`; lines that begin with # are left out. The
tokens go into the folder of --out, one file for each node, or are printed as a table.`,
    examples: [
      ["steward invite ship1", "a token, good for a day"],
      ["steward invite ship1 --label class=tanker --expires 2h --qr", "with a label, for two hours, also as a QR code"],
      ["steward invite ship1 --address vpn.example.com", "the broker as the machine reaches it"],
      ["steward invite --from fleet.txt --out tokens", "a hundred nodes: one file for each"],
    ],
  })
    .argument("[node]", "the name that the machine gets")
    .option("--label <key=value>", "label of the node; may be repeated", all)
    .option("--expires <duration>", "how long the token is good, such as 2h or 7d", "24h")
    .option("--address <host>", "address of the broker as the machine reaches it; may be repeated", all)
    .option("--replace", "the machine takes the place of an enrolled one, whose keys are revoked")
    .option("--qr", "print the token as a QR code as well")
    .option("--from <file>", "a file with a node on each line")
    .option("--out <folder>", "write each token to a file in this folder")
    .action(
      run<Options>(async (cli, options, [node]) => {
        const wanted = await nodesOf(cli, options, node);
        const daemon = await cli.daemon();
        const invited = await daemon.invite({
          nodes: wanted,
          lasts: duration("--expires", options.expires ?? "24h"),
          ...(options.address === undefined ? {} : { addresses: options.address }),
        });
        if (options.out !== undefined) writeTokens(cli, cli.path(options.out), invited);
        else if (cli.json) cli.printJson(invited);
        else if (invited.length === 1) await show(cli, invited, options.qr === true);
        else cli.print(...invited.map(({ node: name, token }) => `${name} ${token}`));
        return undefined;
      }),
    );
}

async function show(cli: Cli, [one]: readonly Invited[], qr: boolean): Promise<void> {
  if (one === undefined) return;
  cli.print(one.token);
  if (qr) {
    const { renderUnicodeCompact } = await import("uqr");
    cli.print("", renderUnicodeCompact(one.token, { ecc: "L" }));
  }
  const until = cli.times(false).at(one.expiresAt);
  cli.note(`  ${cli.err("dim", "→")} on the machine: steward join TOKEN   (good once, expires ${until})`);
}

/** Writes one file a node, readable by its owner alone, and never through a link that lies there. */
function writeTokens(cli: Cli, folder: string, invited: readonly Invited[]): void {
  try {
    const held = holdFolder(folder, []);
    try {
      for (const { node, token } of invited) writeIn(held.path, `${node}.token`, `${token}\n`);
    } finally {
      held.close();
    }
  } catch (thrown) {
    throw new StewardError("file-unwritable", { file: folder, fault: fileFault(thrown) }, { cause: thrown });
  }
  if (cli.json)
    cli.printJson(invited.map(({ node, expiresAt }) => ({ node, expiresAt, file: pathIn(folder, `${node}.token`) })));
  else
    cli.print(
      `${counted(invited.length, "token")} written to ${visible(folder)}: on each machine, steward join NODE.token`,
    );
}

async function nodesOf(cli: Cli, { from, label = [], replace }: Options, node: string | undefined): Promise<Wanted[]> {
  const also = replace === true ? { replace } : {};
  if ((node === undefined) === (from === undefined)) {
    const fault = node === undefined ? "name the node, or a file with --from" : "name a node or a file, not both";
    throw new StewardError("usage", { fault, command: "invite" });
  }
  if (node !== undefined) return [{ node, ...labelled(label), ...also }];
  const file = from ?? "";
  const text = checkedText(await readUserFile(cli, file), file);
  const lines = text.split("\n").map((line) => line.trim());
  const nodes = lines.flatMap((line, at) => {
    if (line === "" || line.startsWith("#")) return [];
    const [name = "", ...labels] = line.split(/[\s,]+/).filter((word) => word !== "");
    return [{ node: name, ...labelled([...label, ...labels], `${file}:${at + 1}: `), ...also }];
  });
  if (nodes.length > 0) return nodes;
  throw new StewardError("usage", { fault: `${file} names no node: write one on each line`, command: "invite" });
}

function labelled(words: readonly string[], where = ""): { readonly labels?: Readonly<Record<string, string>> } {
  if (words.length === 0) return {};
  const entries = words.map((word) => {
    const at = word.indexOf("=");
    if (at > 0) return [word.slice(0, at), word.slice(at + 1)] as const;
    throw new StewardError("usage", { fault: `${where}${word} is not a label: write key=value`, command: "invite" });
  });
  return { labels: Object.fromEntries(entries) };
}
