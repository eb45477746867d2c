import { nearest } from "../config/schema/nearest.ts";
import { type ErrorCode, StewardError } from "../message/errors.ts";
import { type Daemon, nodeNames } from "./daemon.ts";

/** Adds the nearest known name to an error of `code` that carries the unknown name as `detail`. */
export async function withSuggestion<T>(
  answer: Promise<T>,
  code: ErrorCode,
  detail: string,
  known: () => Promise<readonly string[]>,
): Promise<T> {
  try {
    return await answer;
  } catch (thrown) {
    if (!(thrown instanceof StewardError) || thrown.code !== code) throw thrown;
    const name = String(thrown.details[detail] ?? "");
    // The daemon knows its fleet, and may have suggested a name itself.
    const near = name.includes("(did you mean ") ? undefined : nearest(name, await known().catch(() => []));
    if (near === undefined) throw thrown;
    throw new StewardError(code, { ...thrown.details, [detail]: `${name} (did you mean ${near}?)` }, { cause: thrown });
  }
}

/** The nearest known name of a node is added to `node-unknown`. */
export function withNodeSuggestion<T>(daemon: Daemon, answer: Promise<T>): Promise<T> {
  return withSuggestion(answer, "node-unknown", "node", () => nodeNames(daemon));
}

/** @throws StewardError `node-unknown`, with the nearest known name */
export async function insistKnown(daemon: Daemon, node: string): Promise<void> {
  await withNodeSuggestion(daemon, daemon.node(node));
}
