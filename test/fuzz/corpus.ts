import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Small nasty inputs that are kept: `<target>/<what-it-is>.bin`, tried first in the suite and by `npm run fuzz`. */
export interface Kept {
  readonly target: string;
  readonly name: string;
  readonly input: Uint8Array;
}

export function readCorpus(directory: string): Kept[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name: target }) =>
      readdirSync(join(directory, target))
        .sort()
        .map((file) => ({
          target,
          name: file.replace(/\.bin$/, ""),
          input: new Uint8Array(readFileSync(join(directory, target, file))),
        })),
    );
}
