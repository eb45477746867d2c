import { Command } from "commander";
import { globalOptions, type Register, type Runner } from "./command.ts";

/** The commands that one file registers; the file is loaded only when one of them is needed. */
interface Entry {
  readonly names: readonly string[];
  readonly load: () => Promise<Register>;
}

const entry = (names: string, load: Entry["load"]): Entry => ({ names: names.split(" "), load });

const GROUPS: readonly (readonly [string, readonly Entry[]])[] = [
  [
    "Daemon:",
    [
      entry("up", async () => (await import("./commands/host/up.ts")).addUp),
      entry("demo", async () => (await import("./commands/host/demo.ts")).addDemo),
      entry("init", async () => (await import("./commands/host/init.ts")).addInit),
      entry("reload", async () => (await import("./commands/host/reload.ts")).addReload),
      entry("doctor", async () => (await import("./commands/host/doctor.ts")).addDoctor),
      entry("broker", async () => (await import("./commands/host/broker.ts")).addBroker),
      entry("config", async () => (await import("./commands/host/config.ts")).addConfig),
    ],
  ],
  [
    "Commands:",
    [
      entry("run", async () => (await import("./commands/messages/run.ts")).addRun),
      entry("send", async () => (await import("./commands/messages/send.ts")).addSend),
      entry("messages", async () => (await import("./commands/messages/messages.ts")).addMessages),
      entry("message", async () => (await import("./commands/messages/message.ts")).addMessage),
      entry("cancel", async () => (await import("./commands/messages/cancel.ts")).addCancel),
      entry("jobs", async () => (await import("./commands/jobs/jobs.ts")).addJobs),
      entry("job", async () => (await import("./commands/jobs/job.ts")).addJob),
      entry("status", async () => (await import("./commands/jobs/status.ts")).addStatus),
      entry("approvals approve refuse", async () => (await import("./commands/messages/approve.ts")).addApprovals),
      entry("dead", async () => (await import("./commands/messages/dead.ts")).addDead),
    ],
  ],
  [
    "Fleet:",
    [
      entry("nodes", async () => (await import("./commands/fleet/nodes.ts")).addNodes),
      entry("node", async () => (await import("./commands/fleet/node.ts")).addNode),
      entry("facts", async () => (await import("./commands/fleet/facts.ts")).addFacts),
      entry("label", async () => (await import("./commands/fleet/label.ts")).addLabel),
      entry("queue", async () => (await import("./commands/care/queue.ts")).addQueue),
      entry("hold unhold", async () => (await import("./commands/care/hold.ts")).addHold),
      entry("schedule schedules", async () => (await import("./commands/care/schedule.ts")).addSchedule),
      entry("ps", async () => (await import("./commands/fleet/ps.ts")).addPs),
      entry("start stop restart revive", async () => (await import("./commands/fleet/control.ts")).addControl),
      entry("may", async () => (await import("./commands/fleet/may.ts")).addMay),
      entry("audit", async () => (await import("./commands/fleet/audit.ts")).addAudit),
      entry("watch", async () => (await import("./commands/fleet/watch.ts")).addWatch),
      entry("mute unmute", async () => (await import("./commands/care/mute.ts")).addMute),
      entry("errands", async () => (await import("./commands/care/errands.ts")).addErrands),
      entry("alerts", async () => (await import("./commands/fleet/alerts.ts")).addAlerts),
      entry("inspect", async () => (await import("./commands/fleet/inspect.ts")).addInspect),
    ],
  ],
  [
    "Trust:",
    [
      entry("invite", async () => (await import("./commands/trust/invite.ts")).addInvite),
      entry("join", async () => (await import("./commands/trust/join.ts")).addJoin),
      entry(
        "accept reject revoke decommission rekey",
        async () => (await import("./commands/trust/decide.ts")).addDecisions,
      ),
      entry("trust", async () => (await import("./commands/trust/trust.ts")).addTrust),
      entry("operator", async () => (await import("./commands/trust/operator.ts")).addOperator),
      entry("whoami", async () => (await import("./commands/trust/whoami.ts")).addWhoami),
    ],
  ],
  [
    "Page:",
    [
      entry("open", async () => (await import("./commands/page/open.ts")).addOpen),
      entry("token sessions", async () => (await import("./commands/page/sessions.ts")).addSessions),
    ],
  ],
  [
    "More:",
    [
      entry("machines", async () => (await import("./commands/fleet/machines.ts")).addMachines),
      entry("simulate-fleet", async () => (await import("./commands/fleet/simulate-fleet.ts")).addSimulateFleet),
      entry("completion", async () => (await import("./commands/host/completion.ts")).addCompletion),
      entry("__complete", async () => (await import("./commands/host/complete.ts")).addComplete),
    ],
  ],
];

const NAMES: ReadonlySet<string> = new Set(GROUPS.flatMap(([, entries]) => entries.flatMap(({ names }) => names)));
/** Options of the program itself that are followed by their value. */
const WITH_VALUE = new Set(["--config", "--socket", "--as"]);

/**
 * The grammar of the command line. Only the commands that `argv` names are loaded; where it names none all are, for the help
 * and for suggestions.
 */
export async function buildProgram(run: Runner, version: string, argv: readonly string[] = []): Promise<Command> {
  const program = globalOptions(new Command("steward"))
    .description("Command and watch machines that are hard to reach.")
    .version(version, "--version", "print the version")
    .helpOption("-h, --help", "show help")
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError(true)
    .addHelpText(
      "after",
      "\nExit codes: 0 all succeeded, 1 some failed, 2 bad usage, 3 some not delivered or unknown, 4 cancelled, 5 no daemon.\n" +
        "Begin with `steward init`, then `steward up`; `steward doctor` tells what is missing.",
    );
  const wanted = needed(argv);
  for (const [heading, entries] of GROUPS) {
    program.commandsGroup(heading);
    const loaded = await Promise.all(
      entries
        .filter(({ names }) => wanted === undefined || names.some((name) => wanted.includes(name)))
        .map(({ load }) => load()),
    );
    for (const register of loaded) register(program, run);
  }
  program.helpCommand("help [command]", "show help of a command");
  return program;
}

/** The commands that `argv` names; `undefined`: all commands are needed. */
function needed(argv: readonly string[]): readonly string[] | undefined {
  const words = plainWords(argv);
  const [first = ""] = words;
  if (!NAMES.has(first) || first === "completion") return undefined;
  if (first !== "__complete") return [first];
  // The last word is the one at the cursor, and not whole yet.
  const [completed = ""] = plainWords(argv.slice(argv.indexOf("__complete") + 1, -1));
  return NAMES.has(completed) ? [first, completed] : undefined;
}

/** The words before `--` that are neither options nor their values. */
function plainWords(argv: readonly string[]): readonly string[] {
  return argv.filter((word, i) => !word.startsWith("-") && !WITH_VALUE.has(argv[i - 1] ?? ""));
}
