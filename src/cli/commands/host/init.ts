import { chmod, mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import { fileFault, StewardError } from "../../../message/errors.ts";
import { checkToken } from "../../../message/subject.ts";
import type { Cli } from "../../cli.ts";
import { command, type Runner } from "../../command.ts";
import { visible } from "../../render/text.ts";
import { SERVICE } from "./places.ts";

interface Options {
  readonly central: string;
  readonly broker?: string;
  readonly listen?: string;
  readonly data?: string;
  readonly service?: boolean;
  readonly force?: boolean;
  readonly print?: boolean;
}

export function addInit(program: Command, run: Runner): void {
  command(program, "init", {
    summary: "write a commented steward.yaml to begin with",
    description: `Write a commented steward.yaml to begin with: for the management station, or, with the name of another node, for an edge
node. The file is ./steward.yaml, or the one that --config names. An existing file is kept, unless --force is given.

With --service the file is for the service of the system: ${SERVICE.file}, with the data directory
${SERVICE.data} and the socket ${SERVICE.socket}.

No password is made: at the broker that the management station runs, each node logs in with its own keys. A password that
--broker holds, for a broker that asks for one, goes into steward.yaml, with --service into the file \`environment\` beside it;
only its owner may read the file that has it.`,
    examples: [
      ["steward init", "the management station, with a broker of its own on port 4222"],
      ["steward init --listen 10.0.0.1:4222", "the same, on one address of this machine"],
      ["steward init --service", "the same, for the system's service"],
      ["steward init ship1 --broker nats://10.0.0.1:4222", "an edge node"],
      [
        "steward init ship1 --broker nats://steward:PASSWORD@10.0.0.1:4222",
        "an edge node at a broker that asks for a password",
      ],
    ],
  })
    .argument("[node]", "name of this node (default: that of the management station)")
    .option("--central <name>", "name of the management station", "central")
    .option("--broker <url>", "address of the broker, with USER:PASSWORD@ where it asks for them")
    .option(
      "--listen <host:port>",
      "address at which the broker of the management station listens (default: 0.0.0.0:4222)",
    )
    .option("--data <directory>", "data directory")
    .option("--service", "write the configuration of the system's service")
    .option("--force", "overwrite an existing file")
    .option("--print", "print the configuration instead of writing it")
    .action(
      run<Options>(async (cli, options, [named]) => {
        const { initConfig, PASSWORD_VARIABLE } = await import("../../../config/reference/init.ts");
        const central = checkToken("node", options.central);
        const node = checkToken("node", named ?? central);
        const role = node === central ? "central" : "edge";
        checkListen(options, role);
        if (node !== central && options.broker === undefined) {
          const fault = `${node} is not the management station, so it needs the address of the broker: --broker nats://<host>:4222`;
          throw new StewardError("usage", { fault, command: "init" });
        }
        const service = options.service === true;
        const file = service && cli.newConfigFile === cli.path("steward.yaml") ? SERVICE.file : cli.newConfigFile;
        const environment = join(dirname(file), "environment");
        const { url, user, password } = credentialsOf(options);
        const variable = `\${${PASSWORD_VARIABLE}}`;
        const literal = service || password === undefined ? undefined : password.replace(/\$(?=\{)/g, () => "$$");
        const data =
          options.data === undefined ? (service ? SERVICE.data : undefined) : dataIn(options.data, file, cli);
        const text = initConfig({
          role,
          node,
          central,
          ...(url === undefined ? {} : { broker: url }),
          ...(options.listen === undefined ? {} : { listen: options.listen }),
          ...(user === undefined ? {} : { login: { user, password: literal ?? variable } }),
          ...(data === undefined ? {} : { data }),
          ...(service ? { socket: SERVICE.socket } : {}),
        });
        if (options.print === true) {
          cli.print(text.trimEnd());
          return undefined;
        }
        await write(file, text, options.force === true, literal === undefined ? 0o644 : 0o600);
        // The daemon runs as another user, and the umask may keep it out.
        if (service) await opened(file);
        const kept = service && password !== undefined ? environment : undefined;
        if (kept !== undefined && password !== undefined) await setVariable(kept, PASSWORD_VARIABLE, password);
        if (cli.json) cli.printJson({ file, node, central, ...(kept === undefined ? {} : { environment: kept }) });
        else cli.print(`wrote ${visible(file)} for node ${node}`);
        const hint = (line: string): void => cli.note(`  ${cli.err("dim", "→")} ${line}`);
        if (kept !== undefined && !cli.json) cli.print(`wrote the password for the broker to ${visible(kept)}`);
        if (user !== undefined && password === undefined) {
          const where = service
            ? `the line ${PASSWORD_VARIABLE}=… into ${visible(environment)} (mode 0600)`
            : PASSWORD_VARIABLE;
          hint(service ? `the password is missing: write ${where}` : `set ${where} where the daemon is started`);
        }
        const up = `steward up${file === cli.path("steward.yaml") ? "" : ` --config ${visible(file)}`}`;
        hint(`look through ${visible(file)}, then: ${service ? "systemctl enable --now steward" : up}`);
        if (role === "central") hint("then for each machine: steward invite NAME here, and steward join TOKEN there");
        else
          hint(`${node} waits to be let in; easier: steward invite ${node} at ${central}, and steward join TOKEN here`);
        return undefined;
      }),
    );
}

function checkListen({ listen, broker }: Options, role: "central" | "edge"): void {
  if (listen === undefined) return;
  const fault =
    role === "edge"
      ? "--listen is for the management station, which runs the broker; an edge node takes --broker"
      : "--listen runs a broker here and --broker names another one: leave one of the two out";
  if (role === "edge" || broker !== undefined) throw new StewardError("usage", { fault, command: "init" });
}

/** The login at the broker, and the address without it. A user without a password has it in a variable that is set later. */
function credentialsOf({ broker }: Options): {
  readonly url?: string;
  readonly user?: string;
  readonly password?: string;
} {
  const [, scheme = "", login, host = ""] = /^(\w+:\/\/)?(.*)@([^@]*)$/.exec(broker ?? "") ?? [];
  if (login === undefined) return broker === undefined ? {} : { url: broker };
  const colon = login.indexOf(":");
  const [user, password] = (colon < 0 ? [login] : [login.slice(0, colon), login.slice(colon + 1)]).map(decoded);
  if (user === undefined || user === "" || password === "") {
    const fault = "--broker has an @ without a user before it, or an empty password: nats://USER:PASSWORD@HOST:PORT";
    throw new StewardError("usage", { fault, command: "init" });
  }
  return { url: `${scheme}${host}`, user, ...(password === undefined ? {} : { password }) };
}

/** An address has %40 for @; what is no such escape stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Sets a variable in a file of the form that systemd reads, and leaves the other lines alone. */
export async function setVariable(file: string, name: string, value: string): Promise<void> {
  try {
    const before = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return "";
      throw error;
    });
    const lines = before.split("\n").filter((line) => line !== "");
    const others = lines.filter((line) => !line.startsWith(`${name}=`));
    const quoted = /^[\w.~+/-]+$/.test(value) ? value : `"${value.replace(/[\\"`$]/g, "\\$&")}"`;
    const own = `${file}.new`;
    await writeFile(own, `${[...others, `${name}=${quoted}`].join("\n")}\n`, { mode: 0o600 });
    await rename(own, file);
  } catch (thrown) {
    throw new StewardError("file-unwritable", { file, fault: fileFault(thrown) }, { cause: thrown });
  }
}

/** The data directory as the file has to name it: a relative path holds from the directory of the file, not from the user's. */
function dataIn(data: string, file: string, cli: Cli): string {
  return dirname(file) === resolve(cli.io.cwd) ? data : cli.path(data);
}

/** Lets every user read a file of the service and pass its directory, whatever the umask was. */
export async function opened(file: string): Promise<void> {
  const directory = dirname(file);
  const { mode } = await stat(directory);
  await chmod(file, 0o644);
  if ((mode & 0o055) === 0) await chmod(directory, 0o755);
}

async function write(file: string, text: string, force: boolean, mode: number): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    // A file that is there keeps its mode when it is overwritten: first it is closed, then written.
    if (force && mode === 0o600) await chmod(file, mode).catch(() => undefined);
    await writeFile(file, text, { flag: force ? "w" : "wx", mode });
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "EEXIST") {
      throw new StewardError(
        "usage",
        { fault: `${file} exists already; --force overwrites it`, command: "init" },
        { cause: thrown },
      );
    }
    throw new StewardError("file-unwritable", { file, fault: fileFault(thrown) }, { cause: thrown });
  }
}
