import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { newSeeds } from "../../../src/security/keys/identity.ts";
import { openIdentity, readSeeds, writeIdentity } from "../../../src/security/keys/identity-files.ts";
import { seededRandom } from "../../harness/random.ts";
import { tempDir } from "../../harness/temp.ts";

const random = seededRandom(11);
const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

async function made(): Promise<{ data: string; sign: string; seal: string }> {
  const data = await tempDir();
  openIdentity(data, random);
  return { data, sign: join(data, "identity", "sign.nk"), seal: join(data, "identity", "seal.nk") };
}

const refused = (data: string): unknown => {
  try {
    return openIdentity(data, random).keys;
  } catch (error) {
    const { code, remedy } = error as { code: string; remedy: string };
    return `${code}: ${remedy}`;
  }
};

describe("the identity in a data directory", () => {
  it("is made at the first start, for its owner alone, and stays", async () => {
    const { data, sign, seal } = await made();
    expect([modeOf(join(data, "identity")), modeOf(sign), modeOf(seal)]).toEqual(["700", "600", "600"]);
    expect(readFileSync(sign, "utf8")).toMatch(/^SU[A-Z2-7]{56}\n$/);
    expect(readFileSync(seal, "utf8")).toMatch(/^SX[A-Z2-7]{56}\n$/);
    expect(openIdentity(data, random).keys).toEqual(openIdentity(data, random).keys);
    expect(readdirSync(data)).toEqual(["identity"]);
  });

  it.each(["640", "604", "660", "622"])(
    "is refused with mode %s of a file, with the command that mends it",
    async (mode) => {
      const { data, seal } = await made();
      chmodSync(seal, Number.parseInt(mode, 8));
      expect(refused(data)).toContain(`identity-unsafe: Type \`chmod 600 ${seal}\``);
    },
  );

  it("is refused in a folder that others may enter", async () => {
    const { data } = await made();
    chmodSync(join(data, "identity"), 0o750);
    expect(refused(data)).toContain(`identity-unsafe: Type \`chmod 700 ${join(data, "identity")}\``);
  });

  it.runIf(process.getuid?.() === 0)("is refused if a file belongs to another user", async () => {
    const { data, sign } = await made();
    chownSync(sign, 12_345, 12_345);
    expect(refused(data)).toContain(`identity-unsafe: Type \`chown 0 ${sign}\``);
  });

  it.each<[string, (file: string) => void]>([
    ["missing", (file) => rmSync(file)],
    ["empty", (file) => writeFileSync(file, "")],
    [
      "a folder",
      (file) => {
        rmSync(file);
        mkdirSync(file, { mode: 0o700 });
      },
    ],
    ["cut", (file) => writeFileSync(file, readFileSync(file, "utf8").slice(0, 40))],
    ["changed by one letter", (file) => writeFileSync(file, readFileSync(file, "utf8").replace(/.\n$/, "0\n"))],
    ["endless", (file) => writeFileSync(file, "S".repeat(100_000))],
  ])("is refused, and not made anew, if a file is %s", async (_, damage) => {
    const { data, sign } = await made();
    damage(sign);
    expect(refused(data)).toContain("identity-damaged");
    expect(refused(data)).toContain("identity-damaged");
  });

  it("keeps the pair before a change of keys", async () => {
    const { data } = await made();
    const before = openIdentity(data, random);
    writeIdentity(data, newSeeds(random), readSeeds(data));
    const after = openIdentity(data, random);
    expect(after.keys).not.toEqual(before.keys);
    expect(after.previous?.keys).toEqual(before.keys);
    expect(readdirSync(data)).toEqual(["identity"]);
  });

  it("is the one before if a change of keys was cut short, and half a pair counts for nothing", async () => {
    const { data } = await made();
    const before = openIdentity(data, random);
    renameSync(join(data, "identity"), join(data, "identity.old"));
    mkdirSync(join(data, "identity.new"));
    expect(openIdentity(data, random).keys).toEqual(before.keys);
  });
});
