import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Identity, newSeeds } from "../../../src/security/keys/identity.ts";
import { DaemonName } from "../../../src/security/operators/daemon-name.ts";
import { KnownDaemons } from "../../../src/security/operators/known-daemons.ts";
import { seededRandom } from "../../harness/random.ts";
import { tempDir } from "../../harness/temp.ts";

const random = seededRandom(5);
const SOCKET = "/run/steward one/steward.sock";

const identity = (previous?: Identity): Identity => new Identity(newSeeds(random), previous);
const headerOf = (keys: Identity | undefined): string => new DaemonName(() => keys, "central").header;

async function scene() {
  const file = join(await tempDir(), "known-daemons");
  return { file, known: new KnownDaemons(file, expect.unreachable) };
}

describe("a daemon for which a person signs", () => {
  test("is known by its key from the first time on, in a file of the person's own", async () => {
    const { file, known } = await scene();
    const own = identity();
    expect(known.nameOf(SOCKET, headerOf(own))).toBe(own.keys.sign);
    expect(known.nameOf(SOCKET, headerOf(own))).toBe(own.keys.sign);
    expect(readFileSync(file, "utf8")).toBe(`${own.keys.sign} /run/steward%20one/steward.sock\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const other = identity();
    expect(known.nameOf("/run/other.sock", headerOf(other))).toBe(other.keys.sign);
  });

  test("is refused with another key, or without one, and with a name that is none", async () => {
    const { file, known } = await scene();
    known.nameOf(SOCKET, headerOf(identity()));
    expect(() => known.nameOf(SOCKET, headerOf(identity()))).toThrow(/when you last signed for it, it had U/);
    expect(() => known.nameOf(SOCKET, headerOf(undefined))).toThrow(/has the key central/);
    for (const header of [undefined, "", "a b/../c".repeat(60), "../x", ["central"]])
      expect(() => known.nameOf("/run/new.sock", header)).toThrow(/does not say who it is/);
    expect(readFileSync(file, "utf8").split("\n")).toHaveLength(2);
  });

  test("is known with its next key by the word of the one before, and by no other's word", async () => {
    const { known } = await scene();
    const before = identity();
    known.nameOf(SOCKET, headerOf(before));
    const next = identity(before);
    expect(() => known.nameOf(SOCKET, headerOf(identity(identity())))).toThrow(/when you last signed/);
    const [, ...word] = headerOf(next).split(" ");
    expect(() => known.nameOf(SOCKET, [identity().keys.sign, ...word].join(" "))).toThrow(/when you last signed/);
    expect(known.nameOf(SOCKET, headerOf(next))).toBe(next.keys.sign);
    expect(() => known.nameOf(SOCKET, headerOf(before))).toThrow(/when you last signed/);
  });

  test("is signed for where no file can be written, which is told", async () => {
    const file = join(await tempDir(), "absent", "known-daemons");
    const told: string[] = [];
    const known = new KnownDaemons(file, (text) => told.push(text));
    const own = identity();
    expect(known.nameOf(SOCKET, headerOf(own))).toBe(own.keys.sign);
    expect(told).toEqual([expect.stringContaining(`${file} cannot be written (`)]);
    expect(told[0]).toContain(`the daemon at ${SOCKET} is not remembered`);
  });
});
