import { z } from "zod";
import { schema } from "../schema/settings.ts";

/** JSON Schema (draft 7, which editors know best) of steward.yaml, for completion and checks while typing. */
export function jsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(schema, {
    io: "input",
    target: "draft-7",
    override: ({ zodSchema, jsonSchema: written, path }) => {
      // A section or list at the top with nothing under its key counts as not written.
      const top = path.length === 2 && zodSchema instanceof z.ZodPrefault;
      if (top && (written.type === "array" || written.type === "object"))
        Object.assign(written, { type: [written.type, "null"] });
    },
  });
  return { $schema, title: "steward.yaml", description: "Configuration of a steward daemon.", ...rest };
}
