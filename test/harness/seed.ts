import fc from "fast-check";

/**
 * The seed of every property test. The suite gives one verdict for one commit; chance goes looking elsewhere, with
 * `STEWARD_TEST_SEED=random`, or again with the seed that a failure printed.
 */
const wanted = process.env.STEWARD_TEST_SEED ?? "20261122";
if (wanted !== "random") fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(wanted) });
