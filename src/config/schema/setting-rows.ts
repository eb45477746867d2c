import type { Config } from "../config.ts";
import type { Applies } from "./about.ts";
import { everyPlace, kindOf, type Place, placesIn } from "./schema-tree.ts";
import { schema } from "./settings.ts";

/** The settings outside of the lists whose entries are processes, one row each, read off the schema: what a diff and a reload go by. */
export interface SettingRow {
  /** The path of the setting: `limits.messageBytes`. */
  readonly key: string;
  readonly applies: Applies;
  readonly secret: boolean;
  /** The value as it would be written. */
  readonly read: (config: Config) => string;
}

export const SETTING_ROWS: readonly SettingRow[] = rowsOf(placesIn(schema));

function rowsOf(places: readonly Place[]): SettingRow[] {
  return places.flatMap((place) => {
    const { path, about, applies, form, inside } = place;
    if (form === "entries" && applies === "process") return [];
    if (form === "section" && about.read === undefined) return rowsOf(inside);
    return [
      {
        key: path,
        applies,
        secret: about.secret === true,
        read: about.read ?? ((config) => written(place, at(config, path))),
      },
    ];
  });
}

/** How the fields of an entry of `subscribe` or `publish` are written, by their keys. */
export function entryFields(section: "subscribe" | "publish"): ReadonlyMap<string, (value: unknown) => string> {
  const places = everyPlace(schema).filter(({ path, key }) => path === `${section}[].${key}`);
  return new Map(places.map((place) => [place.key, (value: unknown) => written(place, value)]));
}

/** `before`, with all that a reload applies taken from `after`. */
export function reloaded(before: Config, after: Config): Config {
  const { hello, late, offline } = after.link;
  const next = merged(placesIn(schema), before as unknown as Values, after as unknown as Values);
  // A variable that held a password is still in the environment of the daemon when the file names it no more.
  const environment = [...new Set([...before.environment, ...after.environment])];
  return {
    ...(next as unknown as Config),
    environment,
    written: after.written,
    // The signs of life follow `hello`, which is live; the rest of the link is not.
    link: { ...before.link, hello, late, offline },
  };
}

type Values = Readonly<Record<string, unknown>>;

function merged(places: readonly Place[], before: Values, after: Values): Values {
  const next: Record<string, unknown> = { ...before };
  for (const { key, applies, form, inside } of places) {
    const mixed = form === "section" && inside.some((child) => child.applies !== applies);
    if (mixed) next[key] = merged(inside, before[key] as Values, after[key] as Values);
    else if (applies !== "restart") next[key] = after[key];
  }
  return next;
}

function at(config: Config, path: string): unknown {
  return path.split(".").reduce<unknown>((value, key) => (value as Values)[key], config);
}

function written({ schema: of, about }: Place, value: unknown): string {
  if (value === null) return about.fallback ?? kindOf(of)?.format?.(value) ?? "none";
  return kindOf(of)?.format?.(value) ?? String(value);
}
