import { createHash } from "node:crypto";

/**
 * A pattern of one command's argument vector, as `allow` and `deny` have it. Each argument has a pattern of its own: `*`
 * stands for any run of characters within one argument, and never for a further one; a last `...` stands for any further
 * arguments. A backslash before `*`, `\` or a lone `...` makes it mean itself.
 *
 *   "systemctl * nginx"                      a text: split at blanks; what stands in quotes is literal
 *   [tail, -n, "*", /var/log/nginx/*, ...]   a list: a pattern for each argument
 *   {argv: "make *", cwd: /srv, env: {LANG: "*"}, input: "*"}
 *   {script: "sha256:…", args: ..., shell: /bin/bash}
 */
export type WrittenPattern = string | readonly string[] | WrittenMapping;

export interface WrittenMapping {
  readonly argv?: string | readonly string[] | undefined;
  readonly script?: string | undefined;
  readonly shell?: string | undefined;
  readonly args?: string | readonly string[] | undefined;
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly input?: string | undefined;
}

/** The literal parts of a pattern between its stars: one part is a text without stars. */
export type Glob = readonly [string, ...string[]];

export interface ArgumentPattern {
  /** The pattern as it is written, on one line. */
  readonly text: string;
  /** The file and the line in which it stands. */
  readonly at: string;
  /** A pattern for each argument; of a script, for each argument behind it. */
  readonly argv: readonly Glob[];
  /** Any further arguments may follow. */
  readonly more: boolean;
  /** The SHA-256 of a script, in hex; `null`: a program. */
  readonly script: string | null;
  /** Absent settings: the pattern does not speak of them. */
  readonly shell?: Glob;
  readonly cwd?: Glob;
  readonly env?: Readonly<Record<string, Glob>>;
  readonly input?: Glob;
}

const DIGEST = /^sha256:([0-9a-f]{64})$/;
/** The mark of a script in a pattern of earlier versions. */
const OLD_SCRIPT = /^script(?:[([<].*?)?: /s;

/** The fault of a pattern, in words that say what to write; `undefined`: there is none. */
export function patternFault(written: WrittenPattern): string | undefined {
  if (typeof written === "string") {
    if (OLD_SCRIPT.test(written)) return oldScriptFault(written);
    const words = wordsOf(written);
    return "fault" in words ? words.fault : listFault(words.words);
  }
  if (isList(written)) return listFault(written);
  if ((written.argv === undefined) === (written.script === undefined))
    return "write either argv, for a program, or script, for the digest of one";
  if (written.argv !== undefined) {
    if (written.shell !== undefined || written.args !== undefined) return "shell and args go with script";
    return patternFault(written.argv);
  }
  if (!DIGEST.test(written.script ?? ""))
    return "a script is named by its digest, `sha256:` and 64 hex digits: `steward may … --script -- TEXT` prints it";
  return written.args === undefined ? undefined : patternFault(written.args);
}

/** Scripts were once matched as text; one that is written in full has a digest, and is named by it. */
function oldScriptFault(written: string): string {
  const script = written.startsWith("script: ") ? written.slice("script: ".length) : undefined;
  if (script === undefined || script.includes("*") || script.startsWith("$'"))
    return "a script is allowed whole, by its digest: write {script: sha256:…}; `steward may … --script -- TEXT` prints it";
  return `a script is allowed by its digest: write {script: ${scriptDigest(script)}}`;
}

function listFault(list: readonly string[]): string | undefined {
  if (list.length === 0) return "it is empty";
  const early = list.slice(0, -1).indexOf("...");
  return early < 0 ? undefined : "`...` stands for all further arguments, so it comes last";
}

/** The digest by which a pattern names a script. */
export function scriptDigest(script: string): string {
  return `sha256:${digestOf(script)}`;
}

/** SHA-256, hex. */
export function digestOf(text: string, encoding: "utf8" | "base64" = "utf8"): string {
  return createHash("sha256").update(text, encoding).digest("hex");
}

/** Compiles a pattern that has no fault. */
export function readPattern(written: WrittenPattern, at: string): ArgumentPattern {
  const text = typeof written === "string" ? written : JSON.stringify(written);
  if (typeof written === "string" || isList(written)) return { text, at, ...vectorOf(written), script: null };
  const { argv, script, shell, args, cwd, env, input } = written;
  return {
    text,
    at,
    ...(argv === undefined ? vectorOf(args ?? []) : vectorOf(argv)),
    script: DIGEST.exec(script ?? "")?.[1] ?? null,
    ...(shell === undefined ? {} : { shell: globOf(shell) }),
    ...(cwd === undefined ? {} : { cwd: globOf(cwd) }),
    ...(env === undefined
      ? {}
      : { env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, globOf(value)])) }),
    ...(input === undefined ? {} : { input: globOf(input) }),
  };
}

function vectorOf(written: string | readonly string[]): Pick<ArgumentPattern, "argv" | "more"> {
  if (typeof written === "string") {
    const words = wordsOf(written);
    const globs = "fault" in words ? [] : words.globs;
    const more = globs.at(-1) === MORE;
    return { argv: more ? globs.slice(0, -1) : globs, more };
  }
  const more = written.at(-1) === "...";
  return { argv: (more ? written.slice(0, -1) : written).map(globOf), more };
}

/** Marks the last word of a text that stands for any further arguments. */
const MORE: Glob = ["..."];

/** A pattern of one argument. */
export function globOf(text: string): Glob {
  const parts: [string, ...string[]] = [""];
  for (const [piece] of text.matchAll(/\\[*\\]|^\\\.\.\.$|./gsu)) {
    if (piece === "*") parts.push("");
    else parts[parts.length - 1] += piece.length > 1 && piece.startsWith("\\") ? piece.slice(1) : piece;
  }
  return parts;
}

interface Words {
  /** The words as they would stand in a list. */
  readonly words: readonly string[];
  readonly globs: readonly Glob[];
}

/** The words of a text: blanks divide, quotes group and make literal. */
function wordsOf(text: string): Words | { readonly fault: string } {
  const words: string[] = [];
  let word: string | undefined;
  let quoted = false;
  const end = (): void => {
    // Three dots in quotes are three dots.
    if (word !== undefined) words.push(quoted && word === "..." ? "\\..." : word);
    word = undefined;
    quoted = false;
  };
  for (let i = 0; i < text.length; i++) {
    const c = text.charAt(i);
    if (c === "'" || c === '"') {
      const close = text.indexOf(c, i + 1);
      if (close < 0) return { fault: `a quote ${c} is not closed` };
      word = (word ?? "") + text.slice(i + 1, close).replace(/[*\\]/g, "\\$&");
      quoted = true;
      i = close;
    } else if (/\s/.test(c)) end();
    else if (c === "\\" && i + 1 < text.length) word = (word ?? "") + c + text.charAt(++i);
    else word = (word ?? "") + c;
  }
  end();
  return { words, globs: words.map((each, i) => (each === "..." && i === words.length - 1 ? MORE : globOf(each))) };
}

function isList(written: unknown): written is readonly string[] {
  return Array.isArray(written);
}
