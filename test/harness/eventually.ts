/**
 * Waits for an effect in another process, which nothing in this one could announce. Bounded; never a substitute for
 * awaiting an event of our own.
 */
const LOOK_EVERY = 20;
/** By what all waits for other processes are longer, for a machine that is busy with other things; `STEWARD_TEST_PATIENCE`. */
export const PATIENCE = Math.max(1, Number(process.env.STEWARD_TEST_PATIENCE ?? 1));

/** Resolves with the first answer that is neither `undefined` nor `false`; what a look throws counts as not yet. */
export async function eventuallySeen<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  within = 15_000,
): Promise<T> {
  const until = performance.now() + within * PATIENCE;
  let fault: unknown;
  for (;;) {
    try {
      const seen = await look();
      if (seen !== undefined && seen !== false) return seen;
      fault = undefined;
    } catch (thrown) {
      fault = thrown;
    }
    if (performance.now() > until) {
      throw new Error(`not within ${within} ms: ${what}`, fault === undefined ? {} : { cause: fault });
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
  }
}
