import { charts } from "../../src/actors/chart.ts";
import { initConfig } from "../../src/config/reference/init.ts";
import { jsonSchema } from "../../src/config/reference/json-schema.ts";
import { referenceMarkdown } from "../../src/config/reference/markdown.ts";
import { errorsMarkdown } from "./errors.ts";
import { machinesMarkdown } from "./machines.ts";

/** Every file of the repository that is generated, with the text that it must have. `npm run docs` writes them. */
export function documents(): readonly { readonly path: string; readonly text: string }[] {
  const schema = "./docs/steward.schema.json";
  return [
    { path: "docs/config.md", text: referenceMarkdown() },
    { path: "docs/steward.schema.json", text: `${JSON.stringify(jsonSchema(), null, 2)}\n` },
    { path: "docs/errors.md", text: errorsMarkdown() },
    { path: "docs/machines.md", text: machinesMarkdown(charts()) },
    { path: "steward.yaml", text: initConfig({ role: "central", node: "central", schema }) },
  ];
}
