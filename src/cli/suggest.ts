import { nearest } from "../config/schema/nearest.ts";
import { type ErrorCode, StewardError } from "../message/errors.ts";
import type { Daemon } from "./daemon.ts";

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
    const near = nearest(name, await known().catch(() => []));
    if (near === undefined) throw thrown;
    throw new StewardError(code, { ...thrown.details, [detail]: `${name} (did you mean ${near}?)` }, { cause: thrown });
  }
}

/** @throws StewardError `node-unknown`, with the nearest known name */
export async function insistKnown(daemon: Daemon, node: string): Promise<void> {
  const names = (await daemon.nodes()).map(({ name }) => name);
  if (names.includes(node)) return;
  const unknown = Promise.reject(new StewardError("node-unknown", { node }));
  await withSuggestion(unknown, "node-unknown", "node", async () => names);
}
