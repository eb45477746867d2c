import type { Command } from "commander";
import { StewardError } from "../../../message/errors.ts";
import type { Decision } from "../../../runtime/operate/table/trust.ts";
import { type CommandText, command, type Runner } from "../../command.ts";
import { counted, visible } from "../../render/text.ts";

interface Options {
  readonly fingerprint?: string;
  readonly replace?: boolean;
  readonly now?: boolean;
}

const WHERE = "To be typed at the management station, with its daemon.";

const TEXTS: Readonly<Record<Decision["verb"], CommandText>> = {
  accept: {
    summary: "let in a machine that waits to be accepted",
    description: `Let in a machine that has no token and waits to be accepted. Compare its fingerprint first: the machine itself shows it with
\`steward trust\`. A node that was revoked by mistake is accepted again. ${WHERE}`,
    examples: [
      ["steward accept ship1 --fingerprint K7QF-2MXA-7P3L-TT4Z", "the machine with this fingerprint, and no other"],
      ["steward accept ship1", "the only machine that waits under this name"],
    ],
  },
  reject: {
    summary: "never let in a machine that waits to be accepted",
    description: `Never let in a machine that waits to be accepted: its keys are remembered, and the name stays free. ${WHERE}`,
    examples: [["steward reject ship1", "every machine that waits under this name"]],
  },
  revoke: {
    summary: "trust a node no more, from the next packet on",
    description: `Trust a node no more. The management station refuses it from the next packet on; the nodes that were given its keys are told,
those that are away when they come back. What waits for the node stays; \`steward decommission\` ends it. ${WHERE}`,
    examples: [["steward revoke ship1", "a machine that was stolen"]],
  },
  decommission: {
    summary: "take a node out of the fleet",
    description: `Take a node out of the fleet: it is revoked, what waits for it ends as cancelled, what it may have had ends as interrupted, and
its name is free. ${WHERE}`,
    examples: [["steward decommission ship1", "a machine that is gone for good"]],
  },
  rekey: {
    summary: "have a node, or the management station, change its keys",
    description: `Have a node change its keys: it makes new ones, proves them with its present ones, and both pairs are accepted until it uses the
new ones. A node that is away does so when it is back.

Without a node the management station changes its own keys. It announces the new ones in trust lists that its present key
signs, and goes over to them when every node has confirmed them; --now does not wait: nodes that missed it ask by themselves. ${WHERE}`,
    examples: [
      ["steward rekey ship1", "new keys for ship1"],
      ["steward rekey", "new keys for the management station"],
    ],
  },
};

export function addDecisions(program: Command, run: Runner): void {
  for (const verb of ["accept", "reject", "revoke", "decommission", "rekey"] as const) {
    const added = command(program, verb, TEXTS[verb]).argument(
      verb === "rekey" ? "[node]" : "<node>",
      verb === "rekey" ? "the node (default: the management station itself)" : "the node",
    );
    if (verb === "accept" || verb === "reject")
      added.option("--fingerprint <fingerprint>", "only the machine with this fingerprint");
    if (verb === "accept") added.option("--replace", "the machine takes the place of an enrolled one");
    if (verb === "rekey") added.option("--now", "do not wait for nodes that have not confirmed");
    added.action(
      run<Options>(async (cli, { fingerprint, replace, now }, [named]) => {
        const daemon = await cli.daemon();
        const node = named ?? (await daemon.health()).node;
        const choice = {
          ...(fingerprint === undefined ? {} : { fingerprint }),
          ...(replace === undefined ? {} : { replace }),
          ...(now === undefined ? {} : { now }),
        };
        if (node === "") throw new StewardError("usage", { fault: "the name of the node is empty", command: verb });
        const done = await daemon.decide(node, verb, choice);
        if (cli.json) cli.printJson(done);
        else cli.print(...told(done));
        return undefined;
      }),
    );
  }
}

const DONE: Readonly<Record<Decision["verb"], string>> = {
  accept: "is accepted",
  reject: "is rejected",
  revoke: "is revoked: it is refused from the next packet on",
  decommission: "is out of the fleet; its name is free",
  rekey: "is ordered to change its keys; `steward trust` shows when it is done",
};

function told({ node, verb, fingerprint, told: names, withdrawn = 0, interrupted = 0, waitsFor }: Decision): string[] {
  const shown = fingerprint === undefined || fingerprint === "" ? "" : ` (${fingerprint})`;
  if (waitsFor !== undefined) {
    if (waitsFor.length === 0) return [`${visible(node)} has new keys${shown}, and uses them from now on`];
    return [
      `${visible(node)} announces new keys${shown}, and uses them once all have confirmed`,
      `not confirmed yet: ${waitsFor.map(visible).join(", ")}`,
    ];
  }
  const lines = [`${visible(node)}${shown} ${DONE[verb]}`];
  if (verb === "revoke" || verb === "decommission") {
    if (names.length > 0) lines.push(`told, now or when they are back: ${names.map(visible).join(", ")}`);
    if (withdrawn > 0) lines.push(`${counted(withdrawn, "message")} that waited for it: cancelled`);
    if (interrupted > 0)
      lines.push(
        `${counted(interrupted, "message")} that it may have had: interrupted, whether they ran cannot be known`,
      );
  }
  return lines;
}
