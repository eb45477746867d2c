import type { Config } from "../../../config/config.ts";
import type { Clock } from "../../../message/clock.ts";
import { faultText } from "../../../message/errors.ts";
import type { NewId } from "../../../message/id.ts";
import { MOST_FACT_BYTES } from "../../../message/target/facts.ts";
import type { Run, RunEnd, Spawner } from "../../../methods/spawner.ts";

type Setting = Config["facts"][string];

/** The output of a program of `facts:`, or why there is none. */
export type ProgramEnd = { readonly output: string } | { readonly fault: string };

interface FactProgramOptions {
  readonly clock: Clock;
  readonly newId: NewId;
  readonly spawner: Pick<Spawner, "start" | "forget">;
}

const GRACE = 5_000;

/** One program of `facts:`: the runner runs it as it runs commands, once at a time. */
export class FactProgram {
  readonly #options: FactProgramOptions;
  /** The setting that it was last started with, and when. */
  #last: { readonly setting: string; readonly at: number } | undefined;
  #runs = false;
  #run: Run | undefined;
  #ended = false;

  constructor(options: FactProgramOptions) {
    this.#options = options;
  }

  /** The monotonic time at which it is to run, ms; `undefined`: it runs. */
  dueAt(setting: Setting): number | undefined {
    if (this.#runs) return undefined;
    const isAnother = this.#last === undefined || this.#last.setting !== JSON.stringify(setting);
    return isAnother ? 0 : (this.#last?.at ?? 0) + setting.every;
  }

  /** Never rejects. */
  async run(setting: Setting): Promise<ProgramEnd> {
    const { clock, newId, spawner } = this.#options;
    this.#runs = true;
    this.#last = { setting: JSON.stringify(setting), at: clock.monotonic() };
    const id = newId();
    const chunks: Buffer[] = [];
    const spec = {
      id,
      argv: argvOf(setting.run),
      timeout: setting.timeout,
      grace: GRACE,
      head: MOST_FACT_BYTES,
      tail: 0,
    };
    try {
      const run = await spawner.start(spec, (parts) => {
        for (const { stream, text, encoding } of parts)
          if (stream === "stdout") chunks.push(Buffer.from(text, encoding ?? "utf8"));
      });
      this.#run = run;
      if (this.#ended) run.cancel();
      const end = await run.end;
      await spawner.forget(id);
      return outcome(end, chunks);
    } catch (error) {
      return { fault: faultText(error) };
    } finally {
      this.#runs = false;
      this.#run = undefined;
    }
  }

  end(): void {
    this.#ended = true;
    this.#run?.cancel();
  }
}

function argvOf([program = "", ...rest]: readonly string[]): [string, ...string[]] {
  return [program, ...rest];
}

function outcome(end: RunEnd, chunks: Buffer[]): ProgramEnd {
  if (end.kind !== "exited") return { fault: end.message };
  if (end.ended === "timeout") return { fault: "it was ended at its timeout" };
  if (end.signal !== null) return { fault: `it was ended by ${end.signal}` };
  if (end.code !== 0) return { fault: `exit code ${end.code}` };
  const { bytes, kept } = end.totals.stdout;
  if (bytes > kept) return { fault: `it printed ${bytes} bytes, ${MOST_FACT_BYTES} are allowed` };
  for (const { stream, text, encoding } of end.rest)
    if (stream === "stdout") chunks.push(Buffer.from(text, encoding ?? "utf8"));
  return { output: Buffer.concat(chunks).toString("utf8") };
}
