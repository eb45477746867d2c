import { execFile } from "node:child_process";
import { chmod, mkdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { buildNeeded, dependenciesNeeded, ROOT } from "../../scripts/setup.mjs";
import { tempDir } from "../harness/temp.ts";

const LOCKED = {
  "": { name: "x" },
  "node_modules/a": { version: "1.0.0", integrity: "sha512-a" },
  "node_modules/b": { version: "2.0.0", integrity: "sha512-b", optional: true },
};

/** A project of two packages with an npm and a nats-server that only pretend; what npm was asked is in `calls`. */
async function project(): Promise<{
  root: string;
  write: (file: string, content: unknown) => Promise<void>;
  calls: () => Promise<string[]>;
  run: (steps?: string) => Promise<{ code: number; said: string }>;
}> {
  const root = await tempDir();
  const write = async (file: string, content: unknown): Promise<void> => {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), typeof content === "string" ? content : JSON.stringify(content));
  };
  await write("package.json", { engines: { node: ">=20.0" } });
  await write("package-lock.json", { packages: LOCKED });
  for (const file of ["tsconfig.json", "scripts/build.mjs", "src/main.ts"]) await write(file, "{}");
  await write("installed.json", { packages: { "node_modules/a": LOCKED["node_modules/a"] } });
  await write(
    "bin/npm",
    `#!/bin/sh
echo "$1" >> calls
test -e broken && { echo "npm error code EBROKEN"; exit 1; }
test "$1" = ci && { sleep 0.3; mkdir -p node_modules/a; echo '{}' > node_modules/a/package.json; cp installed.json node_modules/.package-lock.json; }
mkdir -p dist`,
  );
  await write("bin/nats-server", "#!/bin/sh\necho 'nats-server: v2.9.10'");
  for (const name of ["npm", "nats-server"]) await chmod(join(root, "bin", name), 0o755);
  const code = `
    const { setup, SetupError } = await import(${JSON.stringify(`file://${ROOT}/scripts/setup.mjs`)});
    await setup({ root: ${JSON.stringify(root)} }).catch((error) => { console.error(error instanceof SetupError, error.message); process.exitCode = 1; });`;
  return {
    root,
    write,
    calls: async () => (await readFile(join(root, "calls"), "utf8").catch(() => "")).split("\n").filter(Boolean),
    run: () =>
      new Promise((resolve) => {
        const env = { PATH: `${join(root, "bin")}:/usr/bin:/bin` };
        execFile(process.execPath, ["--input-type=module", "-e", code], { env }, (error, _stdout, said) =>
          resolve({ code: error === null ? 0 : 1, said }),
        );
      }),
  };
}

describe("the set-up", () => {
  it("does each step once on a fresh clone, and nothing at all the next time", async () => {
    const { run, calls } = await project();
    expect(await run()).toMatchObject({ code: 0, said: expect.stringContaining("installing dependencies") });
    expect(await run()).toEqual({ code: 0, said: "" });
    expect(await calls()).toEqual(["ci", "run"]);
  });

  it("takes turns with one that runs at the same time", async () => {
    const { run, calls } = await project();
    const [one, two] = await Promise.all([run(), run()]);
    expect([one.code, two.code]).toEqual([0, 0]);
    expect(await calls()).toEqual(["ci", "run"]);
  });

  it("is not held up by the lock of one that was killed", async () => {
    const { root, run, write } = await project();
    await write(".cache/setup.lock/x", "");
    await utimes(join(root, ".cache", "setup.lock"), 0, 0);
    expect((await run()).code).toBe(0);
  });

  it("says what failed and what to do, keeps npm's words, and lets go of the lock", async () => {
    const { root, run, write } = await project();
    await write("broken", "");
    const { code, said } = await run();
    expect(code).toBe(1);
    expect(said).toContain("npm error code EBROKEN");
    expect(said).toMatch(/true the dependencies could not be installed .* try again/);
    await rm(join(root, "broken"));
    expect((await run()).code).toBe(0);
  });

  it("refuses a Node that is too old, naming both versions", async () => {
    const { run, write } = await project();
    await write("package.json", { engines: { node: ">=99.1" } });
    expect(await run()).toEqual({
      code: 1,
      said: expect.stringContaining(`this is Node ${process.versions.node}, steward needs >=99.1`),
    });
  });

  it("installs when a package is missing, has another version or was removed, whatever the dates say", async () => {
    const { root, run, write } = await project();
    expect(dependenciesNeeded(root)).toBe(true);
    await run();
    expect(dependenciesNeeded(root)).toBe(false);
    const old = new Date(0);
    await utimes(join(root, "node_modules", ".package-lock.json"), old, old);
    expect(dependenciesNeeded(root)).toBe(false);
    for (const packages of [
      { ...LOCKED, "node_modules/a": { version: "1.0.1", integrity: "sha512-n" } },
      { ...LOCKED, "node_modules/c": { version: "1.0.0" } },
    ]) {
      await write("package-lock.json", { packages });
      expect(dependenciesNeeded(root)).toBe(true);
    }
    await write("package-lock.json", { packages: LOCKED });
    await rm(join(root, "node_modules", "a"), { recursive: true });
    expect(dependenciesNeeded(root)).toBe(true);
  });

  it("builds when a source was changed, added or removed", async () => {
    const { root, run, write } = await project();
    await run();
    expect(buildNeeded(root)).toBe(false);
    await write("src/deep/added.ts", "");
    expect(buildNeeded(root)).toBe(true);
    await run();
    await write("src/main.ts", "{ }");
    expect(buildNeeded(root)).toBe(true);
    await run();
    await rm(join(root, "src", "deep", "added.ts"));
    expect(buildNeeded(root)).toBe(true);
  });
});
