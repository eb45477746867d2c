import { pathToFileURL } from "node:url";
import type { Config, SubscribeConfig } from "../../config/config.ts";
import type { Journal } from "../../journal/journal.ts";
import { faultText, StewardError } from "../../message/errors.ts";
import { SCHEDULE } from "../../message/schedule/scheduled.ts";
import { CONTROL_DOMAIN, isToken } from "../../message/subject.ts";
import { bye } from "../../methods/bye.ts";
import type { Method } from "../../methods/define.ts";
import { echo } from "../../methods/echo.ts";
import { errorlog } from "../../methods/errorlog.ts";
import { facts } from "../../methods/facts.ts";
import { hello } from "../../methods/hello.ts";
import { MAY, mayMethod } from "../../methods/may.ts";
import { ping } from "../../methods/ping.ts";
import { shellcommand } from "../../methods/shellcommand.ts";
import { syslogforwarding } from "../../methods/syslogforwarding.ts";
import type { Failures } from "../../observe/alerting/failures.ts";
import type { Permission } from "../../security/policy/permission.ts";
import { TRUST, type TrustTaker, trustMethod } from "../enrol/trust-method.ts";
import type { Canceller } from "../execute/cancel.ts";
import { cancelMethod } from "../execute/cancel-method.ts";
import type { NodeFacts } from "../fleet/facts/node-facts.ts";
import { explain } from "../receive/explain.ts";
import type { Routes } from "../receive/routes.ts";
import { compareHere } from "../resync/compare-answer.ts";
import { COMPARE, compareMethod } from "../resync/compare-method.ts";
import type { JournalIdentities } from "../resync/journal-identities.ts";
import type { Vouching } from "../resync/vouch-ask.ts";
import { VOUCH, vouchMethod } from "../resync/vouch-method.ts";
import { scheduleMethod } from "../schedules/schedule-method.ts";
import type { Schedules } from "../schedules/schedules.ts";
import type { ToldSchedules } from "../schedules/told-schedules.ts";
import type { Links } from "./links.ts";
import { processMethod } from "./processes/process-method.ts";

/** The rooms that the daemon's own methods speak for. */
export interface OwnParts {
  readonly config: () => Config;
  readonly journal: Journal;
  readonly links: Pick<Links, "hello" | "bye">;
  readonly nodeFacts: Pick<NodeFacts, "factsTold">;
  readonly failures: Pick<Failures, "received">;
  readonly canceller: Pick<Canceller, "cancel">;
  readonly vouching: Pick<Vouching, "heard">;
  readonly identities: Pick<JournalIdentities, "answered">;
  readonly routes: Routes;
  readonly permission: Permission;
  readonly processes: Parameters<typeof processMethod>[0];
  readonly enrolment: TrustTaker | undefined;
  readonly schedules: Pick<Schedules, "take">;
  readonly toldSchedules: Pick<ToldSchedules, "told">;
}

/** Orders on trust where nothing is sealed: they could come from anybody. */
const UNSEALED: TrustTaker = {
  take() {
    throw new StewardError("security-off");
  },
};

const OWN = [
  "shellcommand",
  "syslogforwarding",
  "echo",
  "ping",
  "hello",
  "bye",
  "errorlog",
  "facts",
  "cancel",
  "process",
  "compare",
  "vouch",
  "trust",
  "may",
  "schedule",
] as const;

/** The methods that come with steward. */
export function ownMethods(parts: OwnParts): readonly Method[] {
  const { config, journal, links, nodeFacts, failures, canceller, vouching, identities, processes, enrolment } = parts;
  const { schedules, toldSchedules } = parts;
  const own: Readonly<Record<(typeof OWN)[number], Method>> = {
    shellcommand: shellcommand({ outputBytes: () => config().limits.outputBytes, grace: config().shell.grace }),
    syslogforwarding,
    echo,
    ping,
    hello: hello(links),
    bye: bye(links),
    errorlog: errorlog(failures),
    facts: facts(nodeFacts),
    cancel: cancelMethod(canceller),
    process: processMethod(processes),
    compare: compareMethod((origin, epoch, open) => compareHere(journal, origin, epoch, open)),
    may: mayMethod((question) => explain(config().node, parts, question)),
    vouch: vouchMethod({
      heard: (origin, vouch) => identities.answered(origin, vouch) || vouching.heard(origin, vouch),
    }),
    trust: trustMethod(enrolment ?? UNSEALED),
    schedule: scheduleMethod({
      take: (id, order) => schedules.take(id, order),
      told: (origin, news) => toldSchedules.told(origin, news),
    }),
  };
  return OWN.map((name) => own[name]);
}

/** The user's own methods. @throws StewardError `config-invalid` */
export async function loadModules({ methods, file: settings }: Config): Promise<Method[]> {
  const names = new Set<string>(OWN);
  const loaded: Method[] = [];
  for (const file of methods) {
    const method = await loadModule(file, settings);
    if (names.has(method.name)) throw invalid(settings, `${file}: a method called ${method.name} exists already`);
    names.add(method.name);
    loaded.push(method);
  }
  return loaded;
}

async function loadModule(file: string, settings: string): Promise<Method> {
  let module: { readonly method?: unknown };
  try {
    module = (await import(pathToFileURL(file).href)) as { readonly method?: unknown };
  } catch (error) {
    throw invalid(settings, `${file} cannot be loaded: ${faultText(error)}`, error);
  }
  const method = module.method as Partial<Method> | undefined;
  if (typeof method !== "object" || method === null || !isToken(method.name))
    throw invalid(settings, `${file} exports no \`method\` made with defineMethod`);
  return method as Method;
}

const ANY = { from: ["*"] };

/** All subscriptions of a node, with those that need no entry in its configuration. */
export function subscriptionsOf(config: Config): readonly SubscribeConfig[] {
  return [...builtInSubscriptions(config), ...config.subscribe];
}

/** Subscriptions of every node without an entry in the configuration: control from central, and at central presence and alerts. */
function builtInSubscriptions(config: Config): SubscribeConfig[] {
  const taken = (
    kind: "command" | "event",
    method: string,
    { from, at = "built in" }: { readonly from: readonly string[]; readonly at?: string },
    concurrency: number,
  ): SubscribeConfig => ({
    subject: `${kind}.${method}.${CONTROL_DOMAIN}`,
    kind,
    method,
    domain: CONTROL_DOMAIN,
    from,
    allow: null,
    deny: [],
    hours: null,
    atOnce: null,
    signed: null,
    at: { rule: at, from: at, hours: at, atOnce: at, signed: at },
    concurrency,
    queue: 1000,
    foreign: false,
    run: null,
  });
  const commands = ["cancel", "process", "ping", COMPARE, MAY].map((method) =>
    taken("command", method, config.control, 16),
  );
  const trusted = taken("command", TRUST, config.node === config.central ? ANY : { from: [config.central] }, 1);
  const scheduled = taken("command", SCHEDULE, config.control, 1);
  const control = [...commands, trusted, scheduled, taken("event", VOUCH, ANY, 1)];
  if (config.node !== config.central) return control;
  return [
    ...control,
    ...["hello", "bye", "errorlog", "facts", SCHEDULE].map((method) => taken("event", method, ANY, 1)),
  ];
}

function invalid(file: string, fault: string, cause?: unknown): StewardError {
  return new StewardError("config-invalid", { file, count: 1, faults: fault }, { cause });
}
