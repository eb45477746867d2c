import { expect, it } from "vitest";
import { StewardError } from "../../src/message/errors.ts";
import { isOfSurroundings } from "../../src/message/surroundings.ts";

const failed = (code: string): Error => Object.assign(new Error("it failed"), { code });
const source = (cause: unknown): Error => new StewardError("source-failed", { subject: "s", fault: "f" }, { cause });

it.each([
  ["a port that another program has", failed("EADDRINUSE"), true],
  ["a path that is missing, as the cause of an error of steward", source(failed("ENOENT")), true],
  ["too few descriptors, two causes below", source(new Error("no", { cause: failed("EMFILE") })), true],
  ["a broker that does not start", new StewardError("nats-server-failed", { fault: "f" }), true],
  ["a full journal", new StewardError("journal-full", { held: 2, limit: 1 }), true],
  ["a defect of a source", source(new TypeError("x is not a function")), false],
  ["a fault that only reads like one of the surroundings", new Error("EADDRINUSE: address already in use"), false],
  ["bad arguments to a call of Node", failed("ERR_INVALID_ARG_TYPE"), false],
  ["what is no error", "EACCES", false],
])("%s: passes when its surroundings are mended: %s", (_what, error, passes) => {
  expect(isOfSurroundings(error)).toBe(passes);
});

it("an error that is its own cause is looked at and left", () => {
  const error = new Error("round");
  error.cause = error;
  expect(isOfSurroundings(error)).toBe(false);
});
