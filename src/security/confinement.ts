import { statSync } from "node:fs";
import { relative } from "node:path";
import type { Config, RunConfig, RunLimits, SecretsConfig } from "../config/config.ts";
import { faultText } from "../message/errors.ts";
import { hasReference, secretsIn } from "../message/text/secret-reference.ts";
import { isNamed, LOCALE } from "../message/text/variables.ts";
import type { RunBounds, RunSpec } from "../methods/spawner.ts";
import { type CommandGroups, commandGroups } from "../platform/command-groups.ts";
import { actingUser } from "../platform/host/owner.ts";
import { limitProgram } from "../platform/limit-program.ts";
import { readSecret } from "./secrets.ts";
import { groupOf, type User, userOf } from "./system-users.ts";

/**
 * The bounds of the commands of one subscription. Users and groups are looked up once, when its process starts; secrets
 * when a program does. A command itself can only ask for less: for a directory that lies in `directory`, and where
 * `environment` is given, for variables of that list.
 */
export interface ConfinementOptions {
  readonly node: string;
  readonly run: RunConfig | null;
  readonly secrets: () => SecretsConfig;
  /** The environment of the daemon. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where control groups are made; by default on this machine. */
  readonly groups?: () => CommandGroups | string;
}

/** Variables that the loader or the C library obeys in every program: with them a program could run before its limits hold. */
const LOADER = [
  ...[
    "LD_*",
    "GLIBC_TUNABLES",
    "GCONV_PATH",
    "LOCPATH",
    "NLSPATH",
    "GETCONF_DIR",
    "MALLOC_*",
    "MEMUSAGE*",
    "SEGFAULT_*",
  ],
  ...["HOSTALIASES", "LOCALDOMAIN", "RESOLV_HOST_CONF", "RES_OPTIONS", "NIS_PATH", "TZDIR", "SOTRUSS_*", "PCPROFILE_*"],
];

/** Variables that a shell obeys, which enters the control group before it becomes the command. */
const SHELL = ["BASH_*", "ENV", "IFS", "SHELLOPTS", "BASHOPTS", "POSIXLY_CORRECT", "PS4"];

export class Confinement {
  readonly #options: ConfinementOptions;
  readonly #identity: Identity;
  #bounds: RunBounds;

  constructor(options: ConfinementOptions) {
    this.#options = options;
    this.#identity = options.run === null ? {} : identityOf(options.run);
    this.#bounds = this.#boundsHere();
  }

  /** Why no command of this subscription can be run now; `undefined`: they can. */
  get fault(): string | undefined {
    const { run } = this.#options;
    return run === null ? undefined : (this.#identity.fault ?? surroundingsFault(run, this.#identity));
  }

  /** Why a program may not be started; `undefined`: it may. */
  refusal(spec: RunSpec): string | undefined {
    try {
      this.#insist(spec);
      this.#secrets(spec);
      return undefined;
    } catch (error) {
      return faultText(error);
    }
  }

  /** The program within its bounds, with its secrets. @throws Error that says why it may not be started */
  confined(spec: RunSpec): RunSpec {
    this.#insist(spec);
    const secrets = this.#secrets(spec);
    const { run } = this.#options;
    const { user } = this.#identity;
    // Groups that were not there may be there by now. Once they were, a command has one, or is not started.
    if (run !== null && givenOf(run.together) !== undefined && this.#bounds.together === undefined)
      this.#bounds = this.#boundsHere();
    const cwd = spec.cwd ?? run?.directory ?? (user === undefined ? undefined : homeOf(user));
    const env = { ...(user === undefined ? {} : variablesOf(user)), ...spec.env };
    return {
      ...spec,
      ...(cwd === undefined ? {} : { cwd }),
      ...(Object.keys(env).length === 0 ? {} : { env }),
      ...(run?.environment == null ? {} : { keep: run.environment }),
      ...(Object.keys(this.#bounds).length === 0 ? {} : { bounds: this.#bounds }),
      ...(secrets === undefined ? {} : { secrets }),
    };
  }

  #boundsHere(): RunBounds {
    const { run, groups = commandGroups } = this.#options;
    return run === null ? {} : boundsOf(run, this.#identity, groups());
  }

  #insist({ cwd, env }: RunSpec): void {
    const { run } = this.#options;
    const fault =
      this.fault ?? (run === null ? undefined : (directoryFault(cwd, run.directory) ?? variableFault(env, run)));
    if (fault !== undefined) throw new Error(fault);
  }

  /** The secrets that the texts of a program name; `undefined`: they name none. @throws Error */
  #secrets(spec: RunSpec): Record<string, string> | undefined {
    const { node, run, secrets, env } = this.#options;
    const input = spec.input?.encoding === "utf8" ? [spec.input.text] : [];
    const texts = [...spec.argv, ...(spec.args ?? []), ...Object.values(spec.env ?? {}), spec.script ?? "", ...input];
    const filled = texts.filter(hasReference);
    if (filled.length === 0) return undefined;
    const names = new Set(filled.flatMap(secretsIn));
    for (const name of names)
      if (run?.secrets != null && !run.secrets.includes(name))
        throw new Error(`secret:${name} is not in \`run.secrets\` of this subscription`);
    return Object.fromEntries([...names].map((name) => [name, readSecret(name, secrets(), { node, env })]));
  }
}

/** The control groups of the daemon of a data directory, which may be of another user than the one who looks. */
function groupsOf(data: string): CommandGroups | string {
  try {
    return commandGroups({ uid: actingUser(data), visits: true });
  } catch (error) {
    return `it cannot be seen whose ${data} is: ${faultText(error)}`;
  }
}

/** Faults in `run:` and `secrets:` that only this machine can tell, as the user of this process sees them. */
export function confinementFaults(
  { node, data, subscribe, secrets }: Pick<Config, "node" | "data" | "subscribe" | "secrets">,
  env: ConfinementOptions["env"],
): string[] {
  const groups = groupsOf(data);
  const bounds = subscribe.flatMap(({ subject, run }) => {
    const { fault } = new Confinement({ node, run, secrets: () => secrets, env });
    const weaker = run === null ? undefined : togetherFault(run, groups);
    const refused = fault === undefined ? [] : [`${subject} takes no commands: ${fault}`];
    return weaker === undefined ? refused : [...refused, `${subject}: ${weaker}`];
  });
  const named = [...Object.keys(secrets.environment), ...Object.keys(secrets.files)];
  return [...bounds, ...named.flatMap((name) => secretFault(name, secrets, { node, env }) ?? [])];
}

function secretFault(...which: Parameters<typeof readSecret>): string | undefined {
  try {
    readSecret(...which);
    return undefined;
  } catch (error) {
    return faultText(error);
  }
}

/** The user and group that the commands run as. */
interface Identity {
  readonly user?: User;
  /** Absent: those of the daemon. */
  readonly uid?: number;
  readonly gid?: number;
  readonly fault?: string;
}

function identityOf(run: RunConfig): Identity {
  if (run.user === null && run.group === null) return {};
  const [ownUid, ownGid] = [process.geteuid?.(), process.getegid?.()];
  const user = run.user === null ? undefined : userOf(run.user);
  const gid = run.group === null ? user?.gid : groupOf(run.group);
  if (run.user !== null && user === undefined)
    return { fault: `this system has no user called ${run.user} (\`run.user\`)` };
  if (run.group !== null && gid === undefined)
    return { fault: `this system has no group called ${run.group} (\`run.group\`)` };
  if (gid === undefined) return { fault: `user ${run.user} has no entry here: write \`run.group\` too` };
  const known = user === undefined ? {} : { user };
  // The groups of a daemon of root are dropped even where its commands are to be root.
  if (ownUid === 0) return { ...known, uid: user?.uid ?? ownUid, gid };
  if ((user === undefined || user.uid === ownUid) && gid === ownGid) return known;
  return { fault: `a daemon of user ${ownUid} cannot run commands as ${named(run)}: only one of root can` };
}

function named({ user, group }: RunConfig): string {
  return [...(user === null ? [] : [user]), ...(group === null ? [] : [`group ${group}`])].join(", ");
}

function boundsOf(run: RunConfig, { uid, gid }: Identity, groups: CommandGroups | string): RunBounds {
  const hasGroups = typeof groups !== "string";
  const together = hasGroups ? givenOf(run.together) : undefined;
  const limits = limitsOf(hasGroups ? run.limits : eachOf(run, uid));
  return {
    ...(together === undefined ? {} : { together }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    ...(run.directory === null ? {} : { within: run.directory }),
    ...(run.umask === null ? {} : { umask: run.umask }),
    ...(limits === undefined ? {} : { limits }),
  };
}

/** Faults of this machine that may be mended while the daemon runs. */
function surroundingsFault(
  { directory, limits }: RunConfig,
  { uid = process.geteuid?.() }: Identity,
): string | undefined {
  if (limitsOf(limits) !== undefined && limitProgram() === undefined)
    return "`run.limits` needs the program prlimit, which is missing here: install util-linux";
  if (limits.processes !== null && uid === 0)
    return "`run.limits.processes` does not bind root: name another user under `run.user`";
  if (directory !== null && statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true)
    return `${directory} is no directory (\`run.directory\`)`;
  return undefined;
}

/** Without control groups the limits of all processes together hold for each, as far as they can. */
function eachOf({ limits, together }: RunConfig, uid = process.geteuid?.()): RunLimits {
  const lower = (a: number | null, b: number | null): number | null =>
    a === null || b === null ? (a ?? b) : Math.min(a, b);
  const memory = lower(limits.memory, limitProgram() === undefined ? null : together.memory);
  // The kernel does not bind the number of processes of root.
  const processes = uid === 0 || limitProgram() === undefined ? null : together.processes;
  return { ...limits, memory, processes: lower(limits.processes, processes) };
}

/** Why limits of all processes together do not hold as such on this machine; `undefined`: they do, or there are none. */
function togetherFault({ together, limits }: RunConfig, groups: CommandGroups | string): string | undefined {
  if (givenOf(together) === undefined || typeof groups !== "string") return undefined;
  const held = together.cpu === null ? "" : ", and `cpu` does not hold";
  const each = limits.memory ?? together.memory ?? together.processes;
  return `\`run.together\` has no control groups here (${groups})${each === null ? held : `: memory and processes are bound for each process${held}`}`;
}

function limitsOf(limits: RunLimits): RunBounds["limits"] {
  return givenOf(limits);
}

function givenOf<K extends string>(limits: Readonly<Record<K, number | null>>): Partial<Record<K, number>> | undefined {
  const given = Object.entries(limits).filter(([, limit]) => limit !== null);
  return given.length === 0 ? undefined : (Object.fromEntries(given) as Partial<Record<K, number>>);
}

/** A user without a home that is there starts at the root of the file system. */
function homeOf({ home }: User): string {
  return home !== undefined && statSync(home, { throwIfNoEntry: false })?.isDirectory() === true ? home : "/";
}

/** The variables that name the user. */
function variablesOf(user: User): Record<string, string> {
  const { name, shell } = user;
  return {
    HOME: homeOf(user),
    ...(name === undefined ? {} : { USER: name, LOGNAME: name }),
    ...(shell === undefined ? {} : { SHELL: shell }),
  };
}

/** A first look at the words of the path; the runner looks at the directory itself. */
function directoryFault(cwd: string | undefined, within: string | null): string | undefined {
  if (cwd === undefined || within === null || !/^\.\.(\/|$)/.test(relative(within, cwd))) return undefined;
  return `its directory ${cwd} does not lie in ${within} (\`run.directory\`)`;
}

function variableFault(env: RunSpec["env"], { environment, limits, together }: RunConfig): string | undefined {
  const names = Object.keys(env ?? {});
  const [hasLimits, hasGroup] = [limitsOf(limits) !== undefined, givenOf(together) !== undefined];
  const early = names.find((name) => isNamed(name, hasGroup ? [...LOADER, ...SHELL] : LOADER));
  if ((hasLimits || hasGroup) && early !== undefined)
    return `${early} would act before the limits of \`run.${hasGroup ? "together" : "limits"}\` hold; it may not be set there`;
  if (environment === null) return undefined;
  const other = names.find((name) => !isNamed(name, [...environment, ...LOCALE]));
  return other === undefined ? undefined : `the variable ${other} is not in \`run.environment\``;
}
