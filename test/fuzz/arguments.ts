import { parseArgs } from "node:util";
import type { Target } from "./target.ts";

/** What `npm run fuzz -- …` was asked for. */
export interface Wanted {
  readonly inputs: number;
  readonly seed: number;
  readonly targets: readonly Target[];
  /** One input to try again, and nothing else. */
  readonly replay: Uint8Array | undefined;
}

export const USAGE = `npm run fuzz -- [--inputs N] [--seed S] [--target NAME,…] [--replay BASE64]

  --inputs   inputs for each target (default 100000)
  --seed     where chance begins (default: anywhere; it is printed)
  --target   only these
  --replay   one input to one target, as a failure prints it

Exit code: 0 nothing was found, 1 something was, 2 bad usage.`;

/** @throws Error that says what is wrong */
export function readArguments(argv: readonly string[], targets: readonly Target[], anySeed: number): Wanted {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      inputs: { type: "string", default: "100000" },
      seed: { type: "string", default: String(anySeed) },
      target: { type: "string" },
      replay: { type: "string" },
    },
  });
  const names = values.target?.split(",") ?? targets.map(({ name }) => name);
  const chosen = names.map((name) => {
    const target = targets.find((each) => each.name === name);
    if (target === undefined)
      throw new Error(`no target is called ${name}; there are ${targets.map((each) => each.name).join(", ")}`);
    return target;
  });
  if (values.replay !== undefined && chosen.length !== 1) throw new Error("--replay needs one --target");
  return {
    inputs: wholeNumber("--inputs", values.inputs),
    seed: wholeNumber("--seed", values.seed),
    targets: chosen,
    replay: values.replay === undefined ? undefined : new Uint8Array(Buffer.from(values.replay, "base64")),
  };
}

function wholeNumber(option: string, text: string): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(value)) throw new Error(`${option} takes a whole number, not ${text}`);
  return value;
}
