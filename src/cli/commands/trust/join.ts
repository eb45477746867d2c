import { existsSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Command } from "commander";
import type { Config } from "../../../config/config.ts";
import { EXIT, fileFault, StewardError } from "../../../message/errors.ts";
import { actingUser, giveToOwner } from "../../../platform/host/owner.ts";
import { systemRandom } from "../../../platform/system-clock.ts";
import type { Token } from "../../../security/trust/token.ts";
import type { Cli } from "../../cli.ts";
import { command, type Runner } from "../../command.ts";
import { duration } from "../../input/options.ts";
import { readUserFile } from "../../input/user-file.ts";
import { checkedText, readAll } from "../../io.ts";
import { visible } from "../../render/text.ts";
import { opened, setVariable } from "../host/init.ts";
import { SERVICE } from "../host/places.ts";
import { up } from "../host/up.ts";

interface Options {
  readonly data?: string;
  readonly service?: boolean;
  readonly up?: boolean;
  readonly within: string;
}

const CA_FILE = "broker-ca.pem";
/** Files of the data directory that joining writes. */
const WRITTEN = ["identity", "identity/sign.nk", "identity/seal.nk", "trust.json", "daemon.lock"];
/** Faults that pass by themselves: the daemon tries again for as long as the token is good. */
const OUT_OF_REACH: ReadonlySet<string> = new Set(["broker-unreachable", "central-silent"]);

export function addJoin(program: Command, run: Runner): void {
  command(program, "join", {
    summary: "enrol this machine with a token",
    description: `Enrol this machine with a token that \`steward invite NODE\` has made at the management station. Writes the steward.yaml of the
node, makes its keys, proves the token, and tells how to start the daemon; with --up it starts it. A steward.yaml of this node
that is there already is kept. Instead of the token its file may be named, or - for standard input, so that the token does
not stand in the list of processes.

If the management station cannot be reached now, everything is written, and the daemon introduces the machine by itself.`,
    examples: [
      ["steward join steward-1.eyJj…", "with the token"],
      ["steward join ship1.token --up", "with its file, and run the daemon"],
      ["steward join - --service < ship1.token", "for the service of the system"],
    ],
  })
    .argument("<token>", "the token, the file that holds it, or - for standard input")
    .option("--data <directory>", "data directory")
    .option("--service", "write the configuration of the system's service")
    .option("--up", "run the daemon in the foreground afterwards")
    .option("--within <duration>", "how long to wait for the management station", "15s")
    .action(
      run<Options>(async (cli, options, [word = ""]) => {
        const { readToken } = await import("../../../security/trust/token.ts");
        const token = readToken(await tokenIn(cli, word));
        const within = duration("--within", options.within);
        const file =
          options.service === true && cli.newConfigFile === cli.path("steward.yaml") ? SERVICE.file : cli.newConfigFile;
        const service = options.service === true;
        const had = existsSync(file);
        const config = had ? await present(cli, file, token) : undefined;
        const written = config ?? (await draft(cli, file, token, options));
        const enrolled = await enrol(cli, written, token, within).catch(async (error: unknown) => {
          if (!(error instanceof StewardError) || error.exit === EXIT.someFailed) throw error;
          if (config === undefined) await keep(file, written, service);
          if (!OUT_OF_REACH.has(error.code)) throw error;
          return error;
        });
        const absent = enrolled instanceof StewardError ? enrolled : undefined;
        if (config === undefined && absent === undefined) await keep(file, written, service);
        const { node, central } = token;
        if (cli.json)
          cli.printJson({
            node,
            central,
            file,
            ...(absent === undefined ? { fingerprint: enrolled } : { later: absent.message }),
          });
        else {
          if (config === undefined) cli.print(`wrote ${visible(file)} for node ${node}`);
          if (absent === undefined) cli.print(`${node} is enrolled at ${central}, with the fingerprint ${enrolled}`);
        }
        if (absent !== undefined) {
          cli.note(`${cli.err("yellow", "!")} not enrolled yet: ${absent.message}`);
          cli.note(`  ${cli.err("dim", "→")} the token is kept: the daemon enrols ${node} once it reaches ${central}`);
        }
        if (options.up === true) return await up(cli);
        const start = service ? "systemctl enable --now steward" : upLine(cli, file);
        cli.note(`  ${cli.err("dim", "→")} start it: ${start}`);
        cli.note(`  ${cli.err("dim", "→")} then at ${central}: steward run ${node} -- uptime`);
        return absent?.exit;
      }),
    );
}

/** The parts of a configuration that joining needs. */
interface Place extends Pick<Config, "data" | "node" | "central" | "broker" | "link"> {
  /** The content of a file that is not written yet. */
  readonly text?: string;
  /** The login at the broker, which stands in the file or, for a service, beside it. */
  readonly secret?: string;
}

/** Writes what the daemon is started with. The daemon of a service is another user, and systemd alone reads its secret. */
async function keep(file: string, { text = "", secret }: Place, service: boolean): Promise<void> {
  await write(file, text, service || secret === undefined ? 0o644 : 0o600);
  if (!service) return;
  await opened(file);
  if (secret === undefined) return;
  const { PASSWORD_VARIABLE } = await import("../../../config/reference/init.ts");
  await setVariable(join(dirname(file), "environment"), PASSWORD_VARIABLE, secret);
}

async function tokenIn(cli: Cli, word: string): Promise<string> {
  if (word === "-") return await readAll(cli.io.stdin);
  if (word.startsWith("steward-") || !existsSync(cli.path(word))) return word;
  return checkedText(await readUserFile(cli, word), word);
}

/** The configuration that is there. @throws StewardError `token-other-node`, `usage` */
async function present(cli: Cli, file: string, { node: meant, centralKeys }: Token): Promise<Place> {
  const { keysText } = await import("../../../security/keys/public-keys.ts");
  const config = await cli.reach.loadConfig(file, cli.io.env);
  const { node, central, centralKey } = config;
  if (node === central) {
    const fault = `${file} is that of the management station ${node}: join in another directory, or on another machine`;
    throw new StewardError("usage", { fault, command: "join" });
  }
  if (node !== meant) throw new StewardError("token-other-node", { node, meant });
  if (centralKey !== undefined && centralKey !== keysText(centralKeys)) {
    const fault = `${file} pins another management station: write \`centralKey: ${keysText(centralKeys)}\` there, or move the file away`;
    throw new StewardError("usage", { fault, command: "join" });
  }
  return config;
}

async function draft(cli: Cli, file: string, token: Token, options: Options): Promise<Place> {
  const { initConfig, PASSWORD_VARIABLE } = await import("../../../config/reference/init.ts");
  const { checkConfig } = await import("../../../config/check.ts");
  const { keysText } = await import("../../../security/keys/public-keys.ts");
  const { node, central, centralKeys, servers, login, ca } = token;
  const service = options.service === true;
  const data = options.data === undefined ? (service ? SERVICE.data : undefined) : cli.path(options.data);
  const text = initConfig({
    role: "edge",
    node,
    central,
    servers,
    centralKey: keysText(centralKeys),
    ...(login === undefined ? {} : { login: service ? withVariable(login, `\${${PASSWORD_VARIABLE}}`) : login }),
    ...(ca === undefined ? {} : { ca: join(dirname(file), CA_FILE) }),
    ...(data === undefined ? {} : { data }),
    ...(service ? { socket: SERVICE.socket } : {}),
  });
  const secret = login === undefined ? undefined : "token" in login ? login.token : login.password;
  const env = service && secret !== undefined ? { ...cli.io.env, [PASSWORD_VARIABLE]: secret } : cli.io.env;
  const checked = checkConfig(text, file, env);
  if (!("config" in checked)) throw new StewardError("token-damaged", { fault: "no configuration can be made of it" });
  if (ca !== undefined) await write(join(dirname(file), CA_FILE), ca, 0o644);
  return { ...checked.config, text, ...(secret === undefined ? {} : { secret }) };
}

function withVariable(login: NonNullable<Token["login"]>, variable: string): NonNullable<Token["login"]> {
  return "token" in login ? { token: variable } : { user: login.user, password: variable };
}

/** Makes the keys, proves the token, keeps the trust list. Returns the fingerprint of this machine. */
async function enrol(
  cli: Cli,
  { data, node, central, broker, link }: Place,
  token: Token,
  within: number,
): Promise<string> {
  const { lockDirectory } = await import("../../../runtime/daemon/lock.ts");
  const { openIdentity } = await import("../../../security/keys/identity-files.ts");
  const { fingerprint } = await import("../../../security/keys/public-keys.ts");
  const { EdgeTrust, keepToken } = await import("../../../security/trust/edge-trust.ts");
  const { openNatsTransport } = await import("../../../broker/nats.ts");
  const { introduceWith } = await import("../../../runtime/enrol/joining.ts");
  await mkdir(data, { recursive: true, mode: 0o700 });
  const { clock } = cli.io;
  // A daemon that runs with these keys introduces the machine itself.
  const lock = lockDirectory(data);
  try {
    const identity = openIdentity(data, systemRandom, actingUser(data));
    keepToken(data, token);
    const trust = new EdgeTrust({ data, node, central, pin: token.centralKeys, identity });
    const log = { debug: ignored, info: ignored, warn: ignored, error: ignored };
    const answer = await introduceWith({
      token,
      identity,
      clock,
      random: systemRandom,
      within,
      openTransport: ({ name, auth }) =>
        openNatsTransport({
          broker: { ...broker, auth },
          name,
          pingMs: link.ping,
          clock,
          random: systemRandom,
          log: log as never,
        }),
    });
    if (answer.standing === "accepted" && answer.list !== undefined) {
      trust.take(answer.list);
      return fingerprint(identity.keys);
    }
    trust.dropJoin();
    const { reason = "it gave no reason", remedy = "Ask at the management station: `steward trust`." } = answer;
    throw new StewardError("enrolment-refused", { central, reason, remedy: remedy.replace(/\.$/, "") });
  } finally {
    // The superuser joins for a service: its daemon runs as the owner of the directory, and must be able to use its keys.
    giveToOwner(data, WRITTEN);
    lock.release();
  }
}

const ignored = (): undefined => undefined;

function upLine(cli: Cli, file: string): string {
  return `steward up${file === cli.path("steward.yaml") ? "" : ` --config ${visible(file)}`}`;
}

async function write(file: string, text: string, mode: number): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text, { mode });
    await chmod(file, mode);
  } catch (thrown) {
    throw new StewardError("file-unwritable", { file, fault: fileFault(thrown) }, { cause: thrown });
  }
}
