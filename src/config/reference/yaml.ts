import { stringify } from "yaml";
import { kindOf, type Place, placesIn } from "../schema/schema-tree.ts";
import { schema } from "../schema/settings.ts";

const WIDTH = 100;

const HEADER = `# steward.yaml: every setting, with its default.
#
# Lines that begin with # and no space are settings that are not in effect; remove the # to set them.
# Durations are written 500ms, 10s, 5m, 2h, 7d or 1h30m; sizes 512B, 64KB, 10MB, 1GB, in units of 1024.
# Relative paths start at the directory of this file. \`steward config check\` tests a file.
`;

/** The commented reference file. The file is a valid configuration as it stands. */
export function referenceYaml(): string {
  return `${HEADER}\n${placesIn(schema)
    .map((place) => `${block(place).join("\n")}\n`)
    .join("\n")}`;
}

/** The lines of one setting, without indentation. */
function block(place: Place): string[] {
  return [...wrapped(place.about.description), ...wrapped(facts(place)), ...entry(place)];
}

function entry(place: Place): string[] {
  const { key, about, preset, required } = place;
  if (place.form === "section")
    return inEffect(place)
      ? [`${key}:`, ...inner(place)]
      : [`${key}:`, ...inner(place, true)].map((line) => `#${line}`);
  if (place.form === "entries" && about.shown === true) return [`${key}:`, ...item(place)];
  const value =
    about.shown === true || required || place.form === "entries" ? about.example : (preset ?? about.example);
  const line = `${key}: ${flow(value)}`;
  return [inEffect(place) ? line : `#${line}`];
}

function inEffect({ required, about, preset, form }: Place): boolean {
  return required || about.shown === true || (preset !== undefined && form !== "entries");
}

/** The settings of a section; `live` has them in effect, for a section that is commented out as a whole. */
function inner(place: Place, live = false): string[] {
  const lines = place.inside.flatMap((child) =>
    live ? [...wrapped(child.about.description), ...entry(child).map((line) => line.replace(/^#/, ""))] : block(child),
  );
  return lines.map((line) => `  ${line}`);
}

/** One element of a list: its first setting carries the dash. */
function item(place: Place): string[] {
  const lines = place.inside.flatMap((child) => block(child));
  const first = lines.findIndex((line) => !line.startsWith("#"));
  return lines.map((line, i) => `${i < first ? "  " : i === first ? "  - " : "    "}${line}`);
}

/** The expected values, and the default. */
function facts(place: Place): string {
  if (place.form !== "value") return place.required ? "Required." : "";
  const expects = kindOf(place.schema)?.expects ?? "";
  const preset = presetText(place);
  const otherwise = place.required ? "required" : preset === undefined ? "optional" : `default: ${preset}`;
  return `${expects.charAt(0).toUpperCase()}${expects.slice(1)}; ${otherwise}.`;
}

/** The default, in words or as it would be written; `undefined` when there is none. */
export function presetText(place: Place): string | undefined {
  if (place.form === "section") return undefined;
  return place.about.fallback ?? (place.preset === undefined ? undefined : flow(place.preset));
}

/** A value as it is written on one line of YAML. */
export function flow(value: unknown): string {
  if (typeof value === "string" && value.includes("\n")) return JSON.stringify(value);
  return stringify(value, { collectionStyle: "flow", flowCollectionPadding: false, lineWidth: 0 }).trim();
}

function wrapped(text: string): string[] {
  if (text === "") return [];
  const lines: string[] = [];
  let line = "#";
  for (const word of text.split(" ")) {
    if (line.length + word.length + 1 > WIDTH) {
      lines.push(line);
      line = "#";
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
