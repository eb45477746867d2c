import type { Json } from "../message/message.ts";

/** The shape of a flat object: the type of each field, or its allowed values. */
export type Checked = Readonly<Record<string, "string" | "number" | "strings" | readonly string[]>>;

/** @throws Error that names the first field that is wrong. */
export function checkObject(data: Json, shape: Checked): void {
  if (typeof data !== "object" || data === null || Array.isArray(data)) throw new Error("expected an object");
  const fields = data as Readonly<Record<string, Json>>;
  for (const [name, type] of Object.entries(shape)) {
    const value = fields[name];
    if (type === "strings") {
      if (!Array.isArray(value) || !value.every((v) => typeof v === "string"))
        throw new Error(`${name}: expected a list of strings`);
    } else if (type === "string" || type === "number") {
      if (typeof value !== type) throw new Error(`${name}: expected a ${type}`);
    } else if (!type.includes(value as string)) throw new Error(`${name}: expected one of ${type.join(", ")}`);
  }
}
