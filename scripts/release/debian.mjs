/** The package for Debian and Ubuntu: the program in /usr/lib/steward, with unit, user, manual and completions. */
import { createHash } from "node:crypto";
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { gzipSync } from "node:zlib";
import { run } from "../nats-server.mjs";
import { ROOT } from "../setup.mjs";
import { settle } from "./dates-and-modes.mjs";

const SCRIPTS = ["postinst", "prerm", "postrm"];

/** Takes the tree away, and resolves with the path of the package. @throws Error with the words of dpkg */
export async function packDebian({ version, description, epoch, room, level }, tree, out) {
  const root = join(room, "debian");
  const inRoot = (path) => join(root, path);
  const put = (path, content) => {
    mkdirSync(dirname(inRoot(path)), { recursive: true });
    writeFileSync(inRoot(path), content);
  };
  mkdirSync(inRoot("usr/bin"), { recursive: true });
  mkdirSync(inRoot("etc/steward"), { recursive: true });
  mkdirSync(inRoot("usr/lib"), { recursive: true });
  renameSync(tree, inRoot("usr/lib/steward"));
  renameSync(inRoot("usr/lib/steward/share"), inRoot("usr/share"));
  rmSync(inRoot("usr/share/systemd"), { recursive: true });
  rmSync(inRoot("usr/lib/steward/LICENSE"));
  symlinkSync("../lib/steward/bin/steward", inRoot("usr/bin/steward"));
  for (const unit of ["steward.service", "steward-commands.service"])
    put(`usr/lib/systemd/system/${unit}`, readFileSync(join(ROOT, "packaging", unit)));
  put("usr/lib/sysusers.d/steward.conf", readFileSync(join(ROOT, "packaging/sysusers.conf")));
  put("usr/share/doc/steward/copyright", readFileSync(join(ROOT, "LICENSE")));
  rmSync(inRoot("usr/share/doc/steward/CHANGELOG.md"));
  put("usr/share/doc/steward/changelog.gz", gzipSync(readFileSync(join(ROOT, "CHANGELOG.md")), { level: 9 }));

  const files = filesBelow(root);
  put("DEBIAN/md5sums", files.map((path) => `${md5(join(root, path))}  ${path}\n`).join(""));
  const architecture = (await dpkg(["--print-architecture"], "dpkg")).trim();
  const kilobytes = Math.ceil(files.reduce((sum, path) => sum + statSync(join(root, path)).size, 0) / 1024);
  put("DEBIAN/control", control({ version, description, architecture, kilobytes }));
  for (const name of SCRIPTS) cpSync(join(ROOT, "packaging/deb", name), inRoot(`DEBIAN/${name}`));
  settle(root, epoch, ["usr/lib/steward/bin/steward", ...SCRIPTS.map((name) => `DEBIAN/${name}`)]);

  const file = join(out, `steward_${version}_${architecture}.deb`);
  const env = { ...process.env, SOURCE_DATE_EPOCH: String(epoch) };
  await dpkg(["--root-owner-group", "-Zxz", `-z${level}`, "--threads-max=1", "--build", root, file], "dpkg-deb", env);
  return file;
}

/** `Depends` names what the program cannot do without; a broker is needed on one machine of a fleet alone. */
function control({ version, description, architecture, kilobytes }) {
  return `Package: steward
Version: ${version}
Architecture: ${architecture}
Maintainer: steward maintainers <maintainers@steward.invalid>
Installed-Size: ${kilobytes}
Depends: nodejs (>= 20.19), passwd
Suggests: nats-server
Section: admin
Priority: optional
Description: commands and watches machines that are hard to reach
 ${description}
 .
 One daemon runs on every machine, on the management station and on the nodes
 that it commands. They exchange messages over NATS; what was accepted is
 journalled, and waits for a machine that is away.
`;
}

/** Regular files, relative, in order. */
function filesBelow(root) {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .flatMap((entry) => (entry.isFile() ? [relative(root, join(entry.parentPath, entry.name))] : []))
    .sort();
}

function md5(file) {
  return createHash("md5").update(readFileSync(file)).digest("hex");
}

async function dpkg(args, program, env = process.env) {
  const { code, output } = await run(program, args, ROOT, env);
  if (code !== 0) throw new Error(`${program} failed: ${output.trim()}`);
  return output;
}
