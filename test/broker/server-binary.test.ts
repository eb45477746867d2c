import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { cachedNatsServer, findNatsServer } from "../../scripts/nats-server.mjs";
import { findServerBinary, type ServerBinary } from "../../src/broker/server-binary.ts";
import { tempDir } from "../harness/temp.ts";

type Find = (env: Record<string, string | undefined>, root: string) => Promise<ServerBinary | undefined>;

const finders: [string, Find][] = [
  [
    "the daemon",
    (env, root) =>
      findServerBinary(env, root).catch((error) => (error.code === "nats-server-missing" ? undefined : error)),
  ],
  ["the set-up", (env, root) => findNatsServer(root, env)],
];

/** A program that answers to --version as nats-server does. */
async function program(path: string, script: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

describe.each(finders)("%s looks for nats-server", (_who, find) => {
  it("under STEWARD_NATS_SERVER, then on PATH, then in the project's cache", async () => {
    const root = await tempDir();
    const named = await program(join(root, "named"), "echo 'nats-server: v2.14.0'");
    const onPath = await program(join(root, "bin", "nats-server"), "echo 'nats-server: v2.10.27'");
    const cached = await program(cachedNatsServer(root), "echo 'nats-server: v2.9.10'");
    const PATH = ["/nowhere", dirname(onPath)].join(":");
    expect(await find({ STEWARD_NATS_SERVER: named, PATH }, root)).toEqual({ path: named, version: "2.14.0" });
    expect(await find({ PATH }, root)).toEqual({ path: onPath, version: "2.10.27" });
    expect(await find({ PATH: "/nowhere" }, root)).toEqual({ path: cached, version: "2.9.10" });
    expect(await find({}, root)).toEqual({ path: cached, version: "2.9.10" });
  });

  it("and passes over what does not run, or is no program", async () => {
    const root = await tempDir();
    const broken = await program(join(root, "one", "nats-server"), "exit 1");
    const foreign = await program(join(root, "two", "nats-server"), "echo hello");
    await mkdir(join(root, "three", "nats-server"), { recursive: true });
    const good = await program(cachedNatsServer(root), "echo 'nats-server: v2.9.10'");
    const PATH = [dirname(broken), dirname(foreign), join(root, "three")].join(":");
    expect(await find({ PATH }, root)).toEqual({ path: good, version: "2.9.10" });
  });

  it("and does not replace a wrong STEWARD_NATS_SERVER in silence", async () => {
    const root = await tempDir();
    await program(cachedNatsServer(root), "echo 'nats-server: v2.9.10'");
    expect(await find({ STEWARD_NATS_SERVER: join(root, "typo") }, root)).toBeUndefined();
  });

  it("and finds none where there is none", async () => {
    expect(await find({ PATH: "/nowhere" }, await tempDir())).toBeUndefined();
  });
});
