import { execFile, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Program } from "../harness/fleet/program.ts";
import { tempDir } from "../harness/temp.ts";
import { ROOT } from "../repository/parts/sources.ts";

const exec = promisify(execFile);
const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
const absent = (program: string): boolean => spawnSync(program, ["--version"]).error !== undefined;
// The archive is made by GNU tar and xz.
const cannotPack = absent("xz") || !spawnSync("tar", ["--version"], { encoding: "utf8" }).stdout.includes("GNU");

/** Nothing of the environment of the tests, and so nothing of the repository, is seen from there. */
const PLAIN = { PATH: process.env.PATH ?? "", ...pick("STEWARD_NATS_SERVER") };

describe.skipIf(cannotPack)("npm run release", () => {
  let out = "";
  beforeAll(async () => {
    out = mkdtempSync(join(tmpdir(), "steward-release-"));
    await exec(process.execPath, [join(ROOT, "scripts/release.mjs"), "--quick", "--out", out]);
  });
  afterAll(() => rmSync(out, { recursive: true, force: true }));

  const bundle = async (): Promise<string> => {
    const directory = await tempDir();
    const name = `steward-${version}-${process.platform}-${process.arch}.tar.xz`;
    await exec("tar", ["-xJf", join(out, name), "-C", directory]);
    return join(directory, `steward-${version}`);
  };

  it("makes a bundle that runs in a folder of its own: daemon, broker, a command, doctor", async () => {
    const steward = join(await bundle(), "bin/steward");
    const home = await tempDir();
    const options = { cwd: home, env: PLAIN };
    const ask = async (...words: string[]) => (await exec(steward, words, options)).stdout;
    expect((await ask("--version")).trim()).toBe(version);
    await ask("init", "--listen", `127.0.0.1:${await freePort()}`);
    const up = new Program(steward, ["up"], options);
    await up.saw(/central is up/, { within: 60_000 });
    await up.saw(/connected/, { within: 60_000 });
    expect(await ask("run", "central", "--", "sh", "-c", "echo $((6 * 7))")).toContain("42");
    const report = await ask("doctor");
    expect(report).toContain("ok");
    expect(report).not.toContain("fail");
    expect(await up.end("SIGTERM", 60_000)).toMatchObject({ code: 0 });
  }, 120_000);

  it("leaves out of it what no program loads, and what belongs to other machines", async () => {
    const root = await bundle();
    const files = readdirSync(root, { recursive: true, encoding: "utf8" });
    expect(files.filter((path) => /\.(?:[cm]?ts|map)$|^(?:src|test|scripts)\//.test(path))).toEqual([]);
    expect(files.filter((path) => /node_modules\/(?:typescript|vitest|@biomejs|fast-check)\//.test(path))).toEqual([]);
    const native = files.filter((path) => path.endsWith(".node"));
    expect(native.length).toBeGreaterThan(0);
    expect(native.filter((path) => !path.includes(`-${process.platform}-${process.arch}/`))).toEqual([]);
    // What went into the program has its terms beside it.
    const terms = readFileSync(join(root, "LICENSES"), "utf8");
    for (const name of ["nats", "xstate", "pino", "p-queue", "yaml", "zod", "hono"])
      expect(terms).toMatch(new RegExp(`^${name} \\d.*: \\S`, "m"));
    // The bundle brings what the package installs.
    for (const path of [
      "share/man/man1/steward.1.gz",
      "share/systemd/steward.service",
      "share/systemd/steward-commands.service",
      "LICENSE",
    ])
      expect(existsSync(join(root, path)), path).toBe(true);
  });

  describe.skipIf(absent("dpkg-deb"))("makes a package for Debian", () => {
    const file = (): string => join(out, readdirSync(out).find((name) => name.endsWith(".deb")) ?? "");
    const unpacked = async (): Promise<string> => {
      const root = join(await tempDir(), "root");
      mkdirSync(root);
      await exec("dpkg-deb", ["-x", file(), root]);
      return root;
    };

    it("that needs a Node which runs it, and has its scripts", async () => {
      const { stdout } = await exec("dpkg-deb", ["--field", file(), "Version", "Depends", "Architecture"]);
      expect(stdout).toContain(`Version: ${version}`);
      expect(stdout).toMatch(/Depends: nodejs \(>= 20\.19\)/);
      const scripts = (await exec("dpkg-deb", ["--info", file()])).stdout;
      for (const name of ["postinst", "prerm", "postrm", "md5sums"]) expect(scripts).toContain(name);
    });

    it("with unit, user, manual, completions and documents, owned by root", async () => {
      const { stdout } = await exec("dpkg-deb", ["--contents", file()], { maxBuffer: 64 * 1024 * 1024 });
      const lines = stdout.trimEnd().split("\n");
      expect(lines.filter((line) => !/^[dl-][rwx-]{9} root\/root /.test(line))).toEqual([]);
      for (const path of [
        "./etc/steward/",
        "./usr/bin/steward -> ../lib/steward/bin/steward",
        "./usr/lib/systemd/system/steward.service",
        "./usr/lib/systemd/system/steward-commands.service",
        "./usr/lib/sysusers.d/steward.conf",
        "./usr/share/man/man1/steward.1.gz",
        "./usr/share/bash-completion/completions/steward",
        "./usr/share/zsh/vendor-completions/_steward",
        "./usr/share/fish/vendor_completions.d/steward.fish",
        "./usr/share/doc/steward/copyright",
        "./usr/share/doc/steward/examples/edge/steward.yaml",
      ])
        expect(
          lines.some((line) => line.endsWith(` ${path}`)),
          path,
        ).toBe(true);
    });

    it("whose program runs, and whose manual and completions are those of its commands", async () => {
      const root = await unpacked();
      const { stdout } = await exec(join(root, "usr/bin/steward"), ["completion", "fish"], { cwd: root, env: PLAIN });
      expect(readFileSync(join(root, "usr/share/fish/vendor_completions.d/steward.fish"), "utf8")).toBe(stdout);
      expect(gunzipSync(readFileSync(join(root, "usr/share/man/man1/steward.1.gz"))).toString()).toContain(".SS");
      const sums = readFileSync(join(out, "SHA256SUMS"), "utf8").trimEnd().split("\n");
      expect(sums).toHaveLength(2);
    });
  });
});

it("npm pack takes the program and what a service needs, no source and no test", async ({ skip }) => {
  if (absent("npm")) return skip("npm is not here");
  const { stdout } = await exec("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd: ROOT });
  const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
  const wanted =
    /^(?:dist\/.*\.js|dist\/dashboard\/.*|packaging\/[\w.-]+|README\.md|CHANGELOG\.md|LICENSE|package\.json)$/;
  expect(files.map(({ path }) => path).filter((path) => !wanted.test(path))).toEqual([]);
  expect(files.map(({ path }) => path)).toContain("packaging/steward.service");
});

function pick(name: string): Record<string, string> {
  const value = process.env[name];
  return value === undefined ? {} : { [name]: value };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
