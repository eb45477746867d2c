import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { built } from "../harness/built.ts";
import { Program } from "../harness/fleet/program.ts";
import { tempDir } from "../harness/temp.ts";

// The program is compiled first, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000 });

/** Runs a line of a shell in which `$steward` is the compiled program, as a process of its own. */
async function shell(line: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const { main } = await built();
  const cwd = await tempDir();
  await writeFile(join(cwd, "old.cjs"), 'Object.defineProperty(process.versions, "node", { value: "18.20.4" });');
  const env = { PATH: process.env.PATH, node: process.execPath, main, STEWARD_SOCKET: join(cwd, "none.sock") };
  return await new Program("/bin/sh", ["-c", line], { cwd, env }).ended;
}

test("an old Node.js is named, before anything that it cannot read", async () => {
  const { code, stderr } = await shell('"$node" -r ./old.cjs "$main" nodes');
  expect([code, stderr]).toEqual([
    2,
    "steward needs Node.js 20.19 or newer, this is 18.20.4: install a newer one, or put it first on the PATH\n",
  ]);
});

test.runIf(process.platform === "linux")(
  "too few files are named, with what to type, and few that do are enough",
  async () => {
    const under = (most: number) => shell(`prlimit --nofile=${most} "$node" "$main" nodes`);
    const { code, stderr } = await under(96);
    expect([code, stderr]).toEqual([
      2,
      "steward needs to open 160 files at once, and this process may open 96: raise its hard limit, " +
        "with `ulimit -Hn 1024` as root, or with LimitNOFILE= where systemd starts it\n",
    ]);
    expect((await under(160)).stderr).toContain("no daemon answers");
  },
);

test("the version is printed, and is that of the package", async () => {
  const { code, stdout } = await shell('"$node" "$main" --version');
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
});

test.runIf(process.platform === "linux")("a full disk under the output is one line", async () => {
  const { code, stderr } = await shell('"$node" "$main" completion bash > /dev/full');
  expect(code).toBe(1);
  expect(stderr).toMatch(/^✗ error: the output cannot be written: .*ENOSPC.*\n$/);
});

test.runIf(process.platform === "linux")(
  "an argument that is not UTF-8 is refused with its place, however it was typed",
  async () => {
    const { code, stderr } = await shell('"$node" "$main" run ship1 --no-wait -- rm "$(printf \'caf\\351\')"');
    expect(code).toBe(2);
    expect(stderr).toContain("argument 6 cannot be sent: it is not UTF-8 text: the byte 0xe9 in line 1, column 4");
  },
);
