import { chmodSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeOperatorKey, readOperatorKey } from "../../../src/security/operators/key-file.ts";
import { seededRandom } from "../../harness/random.ts";
import { tempDir } from "../../harness/temp.ts";

test("the key of an operator is made for its owner alone, read again, and never overwritten", async () => {
  const file = join(await tempDir(), "steward", "ann.nk");
  const key = makeOperatorKey(file, seededRandom(5));
  expect(key).toMatch(/^U[A-Z2-7]{55}$/);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readOperatorKey(file).keys.sign).toBe(key);
  expect(() => makeOperatorKey(file, seededRandom(6))).toThrow(/never overwritten/);
});

test("a key that others may read, a link to one, and a file that is none are refused, with the command that helps", async () => {
  const directory = await tempDir();
  const file = join(directory, "ann.nk");
  makeOperatorKey(file, seededRandom(5));
  for (const mode of [0o640, 0o604, 0o620, 0o602]) {
    chmodSync(file, mode);
    expect(() => readOperatorKey(file)).toThrow(/others than its owner may use it/);
  }
  chmodSync(file, 0o600);
  symlinkSync(file, join(directory, "link.nk"));
  expect(() => readOperatorKey(join(directory, "link.nk"))).toThrow(/symbolic link/);
  writeFileSync(join(directory, "none.nk"), "SUxx\n", { mode: 0o600 });
  expect(() => readOperatorKey(join(directory, "none.nk"))).toThrow(/no seed/);
  expect(() => readOperatorKey(join(directory, "absent.nk"))).toThrow(/no such file/);
});
