/** The bundle: the program as a compressed archive with one folder in it, for /opt or any other place. */
import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { run } from "../nats-server.mjs";
import { settle } from "./dates-and-modes.mjs";

/** Resolves with the path of the archive. @throws Error with the words of tar */
export async function packBundle({ version, epoch, room, level }, tree, out) {
  const name = `steward-${version}`;
  renameSync(tree, join(room, name));
  settle(join(room, name), epoch, ["bin/steward"]);
  const file = join(out, `${name}-${process.platform}-${process.arch}.tar.xz`);
  rmSync(file, { force: true });
  const same = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner", `--mtime=@${epoch}`, "--format=gnu"];
  const { code, output } = await run("tar", [...same, "-C", room, "-cJf", file, name], room, {
    ...process.env,
    XZ_OPT: `-${level} -T1`,
  });
  renameSync(join(room, name), tree);
  if (code !== 0)
    throw new Error(`the archive could not be made, for which GNU tar and xz are needed: ${output.trim()}`);
  return file;
}
