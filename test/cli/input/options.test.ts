import { expect, test } from "vitest";
import { duration, durationOrNever } from "../../../src/cli/input/options.ts";

test("a duration of an option is refused in the words of the option, also when it is longer than any that is taken", () => {
  expect(duration("--timeout", "1h30m")).toBe(5_400_000);
  expect(durationOrNever("--deliver-by", "never")).toBeNull();
  expect(() => duration("--timeout", "soon")).toThrow(/--timeout soon/);
  expect(() => duration("--timeout", "0s")).toThrow(/--timeout 0s/);
  expect(duration("--deliver-by", "36500d")).toBe(36_500 * 86_400_000);
  expect(() => durationOrNever("--deliver-by", "36501d")).toThrow(/--deliver-by 36501d is longer than 36500d/);
});
