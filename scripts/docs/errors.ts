import { CATALOGUE, EXIT } from "../../src/message/errors.ts";

const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: "all succeeded",
  someFailed: "some failed",
  usage: "bad usage: correct what was typed or written",
  notDelivered: "some were not delivered, or their end is unknown",
  cancelled: "cancelled",
  noDaemon: "no daemon or no broker answers",
};

/** The text of docs/errors.md: every code of the catalogue, in its order. */
export function errorsMarkdown(): string {
  const codes = Object.entries(CATALOGUE).map(
    ([code, { sentence, remedy, exit }]) => `| \`${code}\` | ${cell(sentence)} | ${cell(remedy)} | ${exit} |`,
  );
  const exits = Object.entries(EXIT).map(([name, exit]) => `| ${exit} | ${EXIT_MEANINGS[name as keyof typeof EXIT]} |`);
  return `<!-- Generated from src/message/errors.ts; do not edit. -->

# Errors

Every error of steward has a code. The code is stable; scripts may rely on it, in the logs (\`code\`) and in the answers of
the local API. The sentence is for people and may change. Words in braces stand for what was met.

| code | what happened | what to do | exit |
|---|---|---|---|
${codes.join("\n")}

## Exit codes

| exit | meaning |
|---|---|
${exits.join("\n")}
`;
}

function cell(text: string): string {
  const oneLine = text.replaceAll("|", "\\|").replaceAll("\n", " ");
  // What looks like markup would be swallowed by a viewer.
  return oneLine.replace(/\{\w+\}/g, (name) => `\`${name}\``).replaceAll("<", "&lt;");
}
