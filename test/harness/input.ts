import type { StandardInput } from "../../src/cli/io.ts";

/** A standard input that holds this; `undefined`: nothing. `came`: something comes when it is too late. */
export function inputOf(held: string | Uint8Array | undefined, came = false): StandardInput {
  return {
    async *[Symbol.asyncIterator]() {
      yield held ?? "";
    },
    waits: async () => held !== undefined,
    came,
  };
}
