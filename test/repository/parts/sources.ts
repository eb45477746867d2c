import { readdirSync, readFileSync } from "node:fs";
import { dirname, extname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");

/** Folders that are made, not written. */
const MADE = new Set(["node_modules", ".git", "dist", ".cache", "var", "coverage"]);

export interface Source {
  /** From the root of the repository, with `/`. */
  readonly path: string;
  readonly text: string;
  /** The text with all comments, strings and regular expressions blanked; same length, same lines. */
  readonly code: string;
}

/** A comment as it is written, `//` or `/*` included; `at`: its offset in the text. */
export interface Comment {
  readonly at: number;
  readonly text: string;
}

/** All files below a folder, as paths from the root of the repository. */
export function filesBelow(folder: string): string[] {
  const found: string[] = [];
  const walk = (path: string): void => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const inside = join(path, entry.name);
      if (MADE.has(entry.name) || inside === join(ROOT, "release")) continue;
      if (entry.isDirectory()) walk(inside);
      else if (entry.isFile()) found.push(relative(ROOT, inside).split(sep).join("/"));
    }
  };
  walk(join(ROOT, folder));
  return found.sort();
}

export function sourcesBelow(folder: string): Source[] {
  return filesBelow(folder)
    .filter((path) => [".ts", ".tsx"].includes(extname(path)))
    .map((path) => {
      const text = readFileSync(join(ROOT, path), "utf8");
      return { path, text, code: blanked(text) };
    });
}

export interface Import {
  readonly specifier: string;
  /** Imported names, or `*` for all of a module; empty for the effect alone. */
  readonly names: readonly string[];
  /** Whether only types are imported: nothing of the module runs. */
  readonly typeOnly: boolean;
}

/** Static and dynamic imports and re-exports of a file. */
export function importsOf({ text, code }: Source): Import[] {
  const imports: Import[] = [];
  for (const match of code.matchAll(/^[ \t]*(?:import|export)\b([^;]*?)\bfrom\s*["']/gm)) {
    const clause = match[1] ?? "";
    const parts =
      /^\s*\{([^}]*)\}\s*$/
        .exec(clause)?.[1]
        ?.split(",")
        .filter((part) => part.trim() !== "") ?? [];
    const typeOnly = /^\s*type\b/.test(clause) || (parts.length > 0 && parts.every((part) => /^\s*type\s/.test(part)));
    imports.push({ specifier: quotedAt(text, match.index + match[0].length - 1), names: namesOf(clause), typeOnly });
  }
  for (const match of code.matchAll(/^[ \t]*import\s*["']/gm)) {
    imports.push({ specifier: quotedAt(text, match.index + match[0].length - 1), names: [], typeOnly: false });
  }
  for (const match of code.matchAll(/\bimport\(\s*["']/g)) {
    imports.push({ specifier: quotedAt(text, match.index + match[0].length - 1), names: ["*"], typeOnly: false });
  }
  return imports;
}

/** The path of a relative import from the root of the repository; `undefined` for a package. */
export function resolved(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  return relative(ROOT, resolve(ROOT, dirname(from), specifier))
    .split(sep)
    .join("/");
}

/** `path:line` of an offset, for a list that a person reads. */
export function placeOf({ path, text }: Source, offset: number): string {
  return `${path}:${text.slice(0, offset).split("\n").length}`;
}

/** The offset of the bracket that closes the one at `open`, in blanked code. */
export function closingOf(code: string, open: number): number {
  let depth = 0;
  for (let i = open; i < code.length; i++) {
    if ("([{".includes(code.charAt(i))) depth++;
    else if (")]}".includes(code.charAt(i)) && --depth === 0) return i;
  }
  return code.length;
}

function quotedAt(text: string, quote: number): string {
  return text.slice(quote + 1, text.indexOf(text.charAt(quote), quote + 1));
}

function namesOf(clause: string): string[] {
  if (clause.includes("*")) return ["*"];
  const inside = /\{([^}]*)\}/.exec(clause)?.[1] ?? "";
  return inside
    .split(",")
    .map(
      (part) =>
        part
          .trim()
          .replace(/^type\s+/, "")
          .split(/\s+as\s+/)[0] ?? "",
    )
    .filter((name) => name !== "");
}

/** Blanks comments, and what is inside strings, templates and regular expressions; code inside `${…}` stays. */
export function blanked(text: string): string {
  return read(text).code;
}

/** The blanked code, and the comments that were blanked. */
export function read(text: string): { readonly code: string; readonly comments: readonly Comment[] } {
  const comments: Comment[] = [];
  let out = "";
  let i = 0;
  const blank = (end: number): void => {
    out += text.slice(i, end).replace(/[^\n]/g, " ");
    i = end;
  };
  const keep = (): void => {
    out += text.charAt(i++);
  };
  const comment = (end: number): void => {
    comments.push({ at: i, text: text.slice(i, end) });
    blank(end);
  };
  const template = (): void => {
    keep();
    while (i < text.length && text[i] !== "`") {
      if (text.startsWith("${", i)) {
        keep();
        keep();
        code(true);
      } else blank(Math.min(text.length, i + (text[i] === "\\" ? 2 : 1)));
    }
    if (i < text.length) keep();
  };
  const code = (untilBrace: boolean): void => {
    let depth = 0;
    while (i < text.length) {
      const character = text.charAt(i);
      if (text.startsWith("//", i)) comment(endOr(text.indexOf("\n", i)));
      else if (text.startsWith("/*", i)) comment(endOr(text.indexOf("*/", i + 2) + 2));
      else if (character === '"' || character === "'") quoted(character);
      else if (character === "`") template();
      else if (
        character === "/" &&
        text[i - 1] !== "<" &&
        text[i + 1] !== ">" &&
        /(^|[(,=:[!&|?{};+*%~^<>-]|\b(?:return|typeof|case))\s*$/.test(out.slice(-40))
      )
        regularExpression();
      else {
        if (character === "{") depth++;
        if (character === "}" && depth-- === 0 && untilBrace) {
          keep();
          return;
        }
        keep();
      }
    }
  };
  const endOr = (found: number): number => (found < i ? text.length : found);
  const quoted = (quote: string): void => {
    let end = i + 1;
    while (end < text.length && text[end] !== quote && text[end] !== "\n") end += text[end] === "\\" ? 2 : 1;
    keep();
    blank(end);
    if (i < text.length) keep();
  };
  const regularExpression = (): void => {
    let end = i + 1;
    let inClass = false;
    while (end < text.length && text[end] !== "\n" && (inClass || text[end] !== "/")) {
      if (text[end] === "[") inClass = true;
      if (text[end] === "]") inClass = false;
      end += text[end] === "\\" ? 2 : 1;
    }
    keep();
    blank(end);
    if (i < text.length) keep();
  };
  code(false);
  return { code: out, comments };
}
