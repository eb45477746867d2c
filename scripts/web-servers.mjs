/**
 * Finds nginx and apache2, or fetches them with the operating system's own packages into `.cache/web-servers`, without root
 * and without installing or starting anything: `apt-get download` and `dpkg -x`, with the libraries and modules that they
 * need and this machine lacks. Only the tests use them:
 *
 *   node scripts/web-servers.mjs      fetches what is missing, and says where they are
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { isProgram, onPath, run, tail } from "./nats-server.mjs";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const PACKAGES = ["nginx", "apache2-bin"];
/** Where Debian keeps servers; not on the PATH of everybody. */
const SBIN = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** `{nginx, apache2}`, each `{path, version, env, modules}` with what it takes to run it; `undefined` when one is missing. */
export async function findWebServers(root = ROOT, env = process.env) {
  const nginx = await find("nginx", ["nginx"], root, env);
  const apache2 = await find("apache2", ["apache2", "httpd"], root, env);
  return nginx === undefined || apache2 === undefined ? undefined : { nginx, apache2 };
}

/** `{servers}`, or `{fault}`: what failed and what to do instead. */
export async function provideWebServers(root = ROOT, say = () => undefined) {
  const present = await findWebServers(root);
  if (present !== undefined) return { servers: present };
  const fault = await fetchWebServers(root, say);
  if (fault !== undefined) return { fault };
  const servers = await findWebServers(root);
  return servers === undefined ? { fault: "the nginx and apache2 that were fetched do not run here" } : { servers };
}

async function find(name, programs, root, env) {
  const cache = cached(root);
  const directories = [...new Set([...(env.PATH ?? "").split(delimiter).filter(Boolean), ...SBIN])];
  for (const directory of [...directories, join(cache, "usr", "sbin")]) {
    for (const program of programs) {
      const path = join(directory, program);
      if (!isProgram(path)) continue;
      const own = directory.startsWith(cache) ? { ...env, LD_LIBRARY_PATH: libraries(cache).join(delimiter) } : env;
      const { code, output } = await run(path, ["-v"], undefined, own);
      // On macOS `httpd` is there as well; others that are called so are not.
      const version = code === 0 ? /(?:nginx|Apache)\/(\d+\.\d+\.\d+)/.exec(output)?.[1] : undefined;
      if (version === undefined) continue;
      const modules = name === "nginx" ? undefined : modulesBeside(path);
      if (name === "nginx" || modules !== undefined) return { path, version, env: own, modules };
    }
  }
  return undefined;
}

function modulesBeside(path) {
  const prefix = dirname(dirname(path));
  return ["lib/apache2/modules", "lib64/httpd/modules", "lib/httpd/modules", "libexec/apache2"]
    .map((place) => join(prefix, place))
    .find((place) => existsSync(join(place, "mod_mpm_event.so")));
}

function cached(root) {
  return join(root, ".cache", "web-servers");
}

/** Directories of the cache that hold libraries: `usr/lib/x86_64-linux-gnu` and its like. */
function libraries(cache) {
  return ["usr/lib", "lib"].flatMap((place) => {
    const directory = join(cache, place);
    if (!existsSync(directory)) return [];
    return [
      directory,
      ...readdirSync(directory)
        .filter((name) => name.includes("-linux-"))
        .map((name) => join(directory, name)),
    ];
  });
}

/** What went wrong; `undefined` when nothing did. */
async function fetchWebServers(root, say) {
  const elsewhere = "install nginx and apache2 (Debian: apt-get install nginx apache2-bin)";
  if (!(await onPath("apt-get")) || !(await onPath("dpkg"))) {
    return `there is no apt-get here to fetch nginx and apache2 with: ${elsewhere}`;
  }
  say("fetching nginx and apache2 (about 4 MB, once)");
  mkdirSync(join(root, ".cache"), { recursive: true });
  const room = mkdtempSync(join(root, ".cache", "web-servers-"));
  try {
    const calm = ["-q", "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20"];
    if (process.getuid?.() === 0) calm.push("-o", "APT::Sandbox::User=root");
    let last = await download(calm, room);
    if (last.code !== 0) {
      say("the package lists here do not give them: fetching lists of our own (about 10 MB, once)");
      mkdirSync(join(room, "lists", "partial"), { recursive: true });
      mkdirSync(join(room, "cache", "archives", "partial"), { recursive: true });
      const own = [...calm, "-o", `Dir::State::lists=${room}/lists`, "-o", `Dir::Cache=${room}/cache`];
      // One source that is out of reach must not spoil the others: only the download decides.
      const update = await run("apt-get", [...own, "update"], room);
      last = await download(own, room);
      if (last.code !== 0) {
        return `apt-get cannot fetch nginx and apache2:\n${tail(`${update.output}\n${last.output}`)}\n${elsewhere}`;
      }
    }
    for (const deb of readdirSync(room).filter((name) => name.endsWith(".deb"))) {
      const { code, output } = await run("dpkg", ["-x", deb, "unpacked"], room);
      if (code !== 0) return `dpkg -x ${deb} failed (is the disk full?):\n${tail(output)}`;
    }
    rmSync(cached(root), { recursive: true, force: true });
    renameSync(join(room, "unpacked"), cached(root));
    return undefined;
  } finally {
    rmSync(room, { recursive: true, force: true });
  }
}

/** Downloads the packages and all that they need and that is not installed. */
async function download(options, room) {
  const plan = await run("apt-get", [...options, "-s", "--no-install-recommends", "install", ...PACKAGES], room);
  if (plan.code !== 0) return plan;
  const missing = [...plan.output.matchAll(/^Inst (\S+)/gm)].map(([, name]) => name);
  return await run("apt-get", [...options, "download", ...new Set([...missing, ...PACKAGES])], room);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const say = (line) => process.stderr.write(`set-up: ${line}\n`);
  const { servers, fault } = await provideWebServers(ROOT, say);
  if (fault !== undefined) {
    say(fault);
    process.exit(1);
  }
  for (const [name, { path, version }] of Object.entries(servers)) say(`${name} ${version} at ${path}`);
}
