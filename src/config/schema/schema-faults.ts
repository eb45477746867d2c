import type { z } from "zod";
import { show } from "../file/fault.ts";
import { nearest } from "./nearest.ts";
import { everyPlace, kindOf, mappingOf, type Path, type Place, schemaAt } from "./schema-tree.ts";
import { type Settings, schema } from "./settings.ts";

type Add = (path: Path, message: string, what: "key" | "value") => void;
type Issue = z.core.$ZodIssue;

/** Runs the schema over a file's plain value and says in the file's own words what is wrong. */
export function checkSchema(written: unknown, add: Add): Settings | undefined {
  const result = schema.safeParse(written);
  if (result.success) return result.data;
  for (const issue of result.error.issues) explain(issue, [], written, add);
  return undefined;
}

function explain(issue: Issue, prefix: Path, written: unknown, add: Add): void {
  const path = [...prefix, ...issue.path.map((step) => (typeof step === "number" ? step : String(step)))];
  const value = valueAt(written, path);
  if (issue.code === "unrecognized_keys") {
    for (const key of issue.keys) add([...path, key], unknownKey(key, path), "key");
    return;
  }
  // A union of a simple value and a mapping: a mapping was written, so its faults are those that count.
  if (issue.code === "invalid_union" && typeof value === "object" && value !== null) {
    const inside = issue.errors.find((issues) =>
      issues.every((each) => each.path.length > 0 || each.code === "unrecognized_keys"),
    );
    if (inside !== undefined) {
      for (const each of inside) explain(each as Issue, path, written, add);
      return;
    }
  }
  const place = schemaAt(schema, path);
  const kind = place === undefined ? undefined : kindOf(place);
  const expects = kind?.expects ?? "something else";
  if (value === undefined) {
    add(path, `is missing: expected ${expects}`, "key");
    return;
  }
  const got = kind?.hides?.(value) === true ? unseen(value) : show(value);
  const why = kind?.why?.(value);
  add(path, `expected ${expects}, got ${got}${why === undefined ? "" : `: ${why}`}`, "value");
}

/** A secret by its type alone. */
function unseen(value: unknown): string {
  if (typeof value === "number" || typeof value === "boolean") return `a ${typeof value}`;
  return typeof value === "string" && value !== "" ? "something else" : show(value);
}

let places: readonly Place[] | undefined;

function unknownKey(key: string, path: Path): string {
  const place = schemaAt(schema, path);
  const known = Object.keys((place === undefined ? undefined : mappingOf(place))?.shape ?? {});
  const near = nearest(key, known);
  if (near !== undefined) return `unknown key; did you mean ${JSON.stringify(near)}?`;
  places ??= everyPlace(schema);
  const elsewhere = places.filter((other) => other.key === key).map((other) => other.path);
  if (elsewhere.length > 0) return `unknown key here; it exists as ${elsewhere.join(" and ")}`;
  return `unknown key; known here: ${known.join(", ")}`;
}

function valueAt(root: unknown, path: Path): unknown {
  let here = root;
  for (const step of path) {
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, step)) return undefined;
    here = (here as Record<string | number, unknown>)[step];
  }
  return here;
}
