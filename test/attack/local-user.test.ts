import { execFileSync } from "node:child_process";
import { chmod, mkdir, readdir } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { expect, it, vi } from "vitest";
import { startFleet } from "../harness/fleet/fleet.ts";

/**
 * A user of the same machine who is neither the daemon's nor in its group. Only root can try: other users cannot become
 * somebody else.
 */

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 90_000 });

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

/** The program of that user: tries each step, and prints `ok` or the error's code. */
const TRIES = `
const fs = require("node:fs");
const net = require("node:net");
const steps = JSON.parse(process.argv[1]);
const attempt = ([what, path]) => new Promise((resolve) => {
  const told = (error) => resolve([what, path, error ? error.code : "ok"]);
  if (what === "connect") net.connect(path).on("connect", () => told()).on("error", told);
  else if (what === "read") fs.readFile(path, told);
  else if (what === "list") fs.readdir(path, told);
  else if (what === "write") fs.writeFile(path, "to: [ship1]\\ncommand: shellcommand\\ndata: [id]\\n", told);
  else if (what === "remove") fs.unlink(path, told);
});
(async () => {
  const told = [];
  for (const step of steps) told.push(await attempt(step));
  console.log(JSON.stringify(told));
  process.exit(0);
})();
`;

it.skipIf(!isRoot)(
  "a user without rights neither reaches the daemon nor reads, writes or removes a file of it",
  async () => {
    const port = await freePort();
    const fleet = await startFleet({ nodes: { central: {}, ship1: {} }, embedded: port });
    const { central } = fleet;
    await fleet.steward("run", "ship1", "--", "echo", "secret");
    // Only the modes of steward's own files are tried, not those of the directory that the test stands in.
    for (let path = central.directory; path.includes("steward-"); path = dirname(path)) await chmod(path, 0o755);
    await mkdir(join(central.data, "intake"), { recursive: true });
    const files = (await readdir(central.data, { recursive: true, withFileTypes: true })).filter((entry) =>
      entry.isFile(),
    );
    const paths = files.map((entry) => join(entry.parentPath, entry.name));
    for (const part of ["identity/sign.nk", "registry.json", "broker/nats-server.conf"])
      expect(paths).toContain(join(central.data, part));
    const steps = [
      ["connect", central.socket],
      ["list", central.data],
      ["write", join(central.data, "inmsg.txt")],
      ["write", join(central.data, "intake", "evil.yaml")],
      ["write", join(central.data, "trust.json")],
      ...paths.flatMap((path) => [
        ["read", path],
        ["remove", path],
      ]),
    ];
    const told = as(NOBODY, steps);
    expect(told.filter(([, , answer]) => answer !== "EACCES")).toEqual([]);
    expect(told).toHaveLength(steps.length);
    // The owner can, so it is the modes that keep the other one out.
    expect(as(0, [["connect", central.socket]])).toEqual([["connect", central.socket, "ok"]]);

    // Each file would keep it out by itself, wherever the directories are opened later.
    for (const { parentPath } of files) await chmod(parentPath, 0o755);
    await chmod(central.data, 0o755);
    const opened = as(
      NOBODY,
      steps.filter(([what]) => what === "read" || what === "connect"),
    );
    expect(opened.filter(([, , answer]) => answer !== "EACCES")).toEqual([]);
    expect((await central.stop()).code).toBe(0);
    // A daemon does not use keys that others could have read the way to.
    await chmod(join(central.data, "identity"), 0o700);
  },
);

function as(uid: number, steps: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const output = execFileSync(process.execPath, ["-e", TRIES, JSON.stringify(steps)], {
    uid,
    gid: uid,
    cwd: "/",
    env: {},
    encoding: "utf8",
  });
  return JSON.parse(output) as string[][];
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
