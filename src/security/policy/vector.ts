import { type ArgumentPattern, digestOf, type Glob } from "../../config/policy/argument-pattern.ts";
import { partsMatch } from "../../message/text/wildcard.ts";
import type { Vector } from "../../methods/define.ts";

/**
 * True if an `allow` pattern lets a command run. Directory, environment and standard input are part of what is judged: a
 * command that asks for one of them is let in only by a pattern that speaks of it.
 */
export function isAllowedBy(pattern: ArgumentPattern, vector: Vector): boolean {
  const { cwd, env, input, shell } = vector;
  if (!isOfScript(pattern, vector) || !matchesVector(pattern, vector.argv)) return false;
  if (shell !== undefined && !speaksOf(pattern.shell, shell)) return false;
  if (cwd !== undefined && !speaksOf(pattern.cwd, cwd)) return false;
  if (input !== undefined && !isInput(pattern.input, input)) return false;
  if (env === undefined) return true;
  const allowed = pattern.env;
  return Object.entries(env).every(
    ([name, value]) => allowed !== undefined && Object.hasOwn(allowed, name) && speaksOf(allowed[name], value),
  );
}

/**
 * True if a `deny` pattern forbids a command. Settings that the pattern does not speak of may be anything, and a program
 * that it names without a directory is forbidden in every directory.
 */
export function isDeniedBy(pattern: ArgumentPattern, vector: Vector): boolean {
  const { argv, script, cwd, env = {}, input, shell } = vector;
  if (pattern.script === null && script !== undefined) return false;
  if (!isOfScript(pattern, vector)) return false;
  if (!matchesVector(pattern, argv) && !matchesVector(pattern, withoutDirectory(pattern, argv))) return false;
  const { shell: ofShell, cwd: ofCwd, input: ofInput, env: ofEnv = {} } = pattern;
  if (ofShell !== undefined && !speaksOf(ofShell, shell ?? "")) return false;
  if (ofCwd !== undefined && !speaksOf(ofCwd, cwd ?? "")) return false;
  if (ofInput !== undefined && (input === undefined || !isInput(ofInput, input))) return false;
  return Object.entries(ofEnv).every(([name, value]) => Object.hasOwn(env, name) && speaksOf(value, env[name] ?? ""));
}

/** A vector as it is shown: short, and without what goes to the standard input or into the environment. */
export function vectorText({ argv, script, cwd, env, input }: Vector): string {
  const more = [
    ...(cwd === undefined ? [] : ["a directory"]),
    ...(env === undefined ? [] : [`the variables ${Object.keys(env).join(", ")}`]),
    ...(input === undefined ? [] : ["an input"]),
  ];
  const what = script === undefined ? "" : `the script sha256:${digestOf(script)} `;
  return `${what}${JSON.stringify(argv).slice(0, 200)}${more.length === 0 ? "" : ` with ${more.join(", ").slice(0, 200)}`}`;
}

function isOfScript({ script }: ArgumentPattern, vector: Vector): boolean {
  if (script === null || vector.script === undefined) return script === null && vector.script === undefined;
  return script === digestOf(vector.script);
}

function matchesVector({ argv, more }: ArgumentPattern, vector: readonly string[]): boolean {
  if (more ? vector.length < argv.length : vector.length !== argv.length) return false;
  for (let i = 0; i < argv.length; i++) {
    const glob = argv[i];
    if (glob === undefined || !partsMatch(glob, vector[i] ?? "")) return false;
  }
  return true;
}

/** The vector with the bare name of its program, where the pattern names a program without a directory. */
function withoutDirectory({ argv: [program] }: ArgumentPattern, vector: readonly string[]): readonly string[] {
  const [first = "", ...rest] = vector;
  if (program === undefined || program.some((part) => part.includes("/"))) return vector;
  return [first.slice(first.lastIndexOf("/") + 1), ...rest];
}

function speaksOf(glob: Glob | undefined, text: string): boolean {
  return glob !== undefined && partsMatch(glob, text);
}

/** Input that is no text is known by its digest, or taken whatever it is. */
function isInput(glob: Glob | undefined, { text, encoding }: NonNullable<Vector["input"]>): boolean {
  if (glob === undefined) return false;
  const [first] = glob;
  if (glob.length === 1 && first.startsWith("sha256:")) return first === `sha256:${digestOf(text, encoding)}`;
  return encoding === "utf8" ? partsMatch(glob, text) : glob.every((part) => part === "") && glob.length > 1;
}
