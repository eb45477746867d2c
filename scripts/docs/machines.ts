/** What each machine is of, and where it is; one for each chart. */
const ABOUT: Readonly<Record<string, string>> = {
  node: "What is known of one node, in regions that change independently of each other. One for each node that this one knows. `src/actors/node.ts`",
  publisher: "The publisher of one subject, on the sending node. `src/actors/publisher.ts`",
  subscriber: "The subscriber of one subject, on the receiving node. `src/actors/subscriber.ts`",
  link: "The connection to the broker. `src/actors/link.ts`",
  job: "An intention of an operator over many nodes. `src/actors/job.ts`",
  schedule: "A schedule that this node holds by itself. `src/actors/schedule.ts`",
  child: "The life of any child under a supervisor. `src/actors/supervisor/decision.ts`",
};

/** The text of docs/machines.md: every machine of `steward machines`, read off the machine itself. */
export function machinesMarkdown(charts: readonly { readonly name: string; readonly mermaid: string }[]): string {
  const sections = charts.map(({ name, mermaid }) => {
    const about = ABOUT[name];
    if (about === undefined) throw new Error(`scripts/docs/machines.ts does not say what ${name} is`);
    return `## ${name}\n\n${about}\n\n\`\`\`mermaid\n${mermaid.trimEnd()}\n\`\`\`\n`;
  });
  return `<!-- Generated from the machines in src/actors; do not edit. -->

# State machines

Each chart is read off the machine that runs, as \`steward machines\` prints it. \`steward inspect\` follows the transitions of a
running daemon; each of them is a line of its log as well.

${sections.join("\n")}`;
}
