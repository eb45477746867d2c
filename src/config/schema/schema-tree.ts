import { z } from "zod";
import { type About, type Applies, type Kind, kinds, settings } from "./about.ts";

/** Walks the schema by path, through `optional`, defaults and unions: what is expected where. */

export type Path = readonly (string | number)[];

/** The schema without `optional` and defaults around it. */
function bare(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault) return bare(schema.def.innerType);
  return schema;
}

/** The mapping that a value here may be; `undefined` when it may be none. */
export function mappingOf(schema: z.core.$ZodType): z.ZodObject | undefined {
  const inner = bare(schema);
  if (inner instanceof z.ZodObject) return inner;
  return inner instanceof z.ZodUnion
    ? inner.def.options.map(mappingOf).find((option) => option !== undefined)
    : undefined;
}

/** The elements of the list that a value here must be. */
export function elementOf(schema: z.core.$ZodType): z.core.$ZodType | undefined {
  const inner = bare(schema);
  return inner instanceof z.ZodArray ? inner.def.element : undefined;
}

export function schemaAt(root: z.core.$ZodType, path: Path): z.core.$ZodType | undefined {
  let here: z.core.$ZodType | undefined = root;
  for (const step of path) {
    if (here === undefined) return undefined;
    here = typeof step === "number" ? elementOf(here) : childOf(here, step);
  }
  return here;
}

function childOf(schema: z.core.$ZodType, key: string): z.core.$ZodType | undefined {
  const shape = mappingOf(schema)?.shape;
  if (shape !== undefined) return Object.hasOwn(shape, key) ? shape[key] : undefined;
  const inner = bare(schema);
  return inner instanceof z.ZodRecord ? inner.def.valueType : undefined;
}

export function kindOf(schema: z.core.$ZodType): Kind | undefined {
  const own = kinds.get(schema);
  if (own !== undefined) return own;
  const inner = bare(schema);
  return inner === schema ? undefined : kindOf(inner);
}

/** One setting at its place. `path` has `[]` for the elements of a list: `subscribe[].from`. */
export interface Place {
  readonly path: string;
  readonly key: string;
  readonly schema: z.core.$ZodType;
  readonly about: About;
  readonly applies: Applies;
  readonly required: boolean;
  /** The default as it would be written; `undefined`: there is none. */
  readonly preset: unknown;
  readonly inside: readonly Place[];
  /** `section`: a mapping; `entries`: a list of mappings; `value`: written on one line, even if it may be a mapping. */
  readonly form: "value" | "section" | "entries";
}

/** The default of a setting as it would be written; `undefined`: there is none. */
export function presetAt(schema: z.core.$ZodType | undefined): unknown {
  return schema instanceof z.ZodPrefault ? schema.def.defaultValue : undefined;
}

/** All settings of a mapping, in the order in which they are declared. */
export function placesIn(mapping: z.ZodObject, prefix = "", applies: Applies = "restart"): Place[] {
  return Object.entries(mapping.shape).map(([key, schema]) => {
    const about = settings.get(schema) ?? { description: "" };
    const element = elementOf(schema);
    const child = mappingOf(element ?? schema);
    const path = prefix + key;
    const own = about.applies ?? applies;
    return {
      path,
      key,
      schema,
      about,
      applies: own,
      required: !(schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault),
      preset: presetAt(schema),
      inside: child === undefined ? [] : placesIn(child, element === undefined ? `${path}.` : `${path}[].`, own),
      form:
        child === undefined || bare(element ?? schema) instanceof z.ZodUnion
          ? "value"
          : element === undefined
            ? "section"
            : "entries",
    };
  });
}

/** All settings at any depth. */
export function everyPlace(mapping: z.ZodObject): Place[] {
  const flat = (places: readonly Place[]): Place[] => places.flatMap((place) => [place, ...flat(place.inside)]);
  return flat(placesIn(mapping));
}
