import { join } from "node:path";
import type { Transition } from "../../actors/root.ts";
import type { Child, ChildSpec, Exit } from "../../actors/supervisor/spec.ts";
import { Supervisor } from "../../actors/supervisor/supervisor.ts";
import { openPageListener, type PageListener } from "../../api/page/page-listener.ts";
import { openApi, serveMetrics } from "../../api/server.ts";
import { startCentralBroker } from "../../broker/central-broker.ts";
import type { Logins } from "../../broker/logins.ts";
import { openNatsTransport } from "../../broker/nats.ts";
import type { Transport } from "../../broker/transport.ts";
import type { Config } from "../../config/config.ts";
import { ConfigWatch } from "../../config/file/watch.ts";
import { openDropFolder } from "../../intake/drop-folder.ts";
import { openInmsgFile } from "../../intake/inmsg-file.ts";
import { openJournal } from "../../journal/journal.ts";
import { openLmdbStore } from "../../journal/store/lmdb-store.ts";
import type { Store } from "../../journal/store/store.ts";
import type { Clock, Random } from "../../message/clock.ts";
import type { TargetedDraft } from "../../message/draft.ts";
import { type ErrorCode, faultText, normalise, StewardError } from "../../message/errors.ts";
import type { Json } from "../../message/message.ts";
import type { Envelope } from "../../message/wire/envelope.ts";
import type { Method } from "../../methods/define.ts";
import type { Spawner } from "../../methods/spawner.ts";
import { Happenings } from "../../observe/happenings.ts";
import { inspector as openInspector } from "../../observe/inspection.ts";
import { type Log, openLog } from "../../observe/log.ts";
import { Counters } from "../../observe/metrics/counters.ts";
import { type Metrics, openMetrics } from "../../observe/metrics/metrics.ts";
import { RecentTransitions } from "../../observe/recent-transitions.ts";
import { type HostFacts, SystemFacts } from "../../platform/host/host-facts.ts";
import { builtProgram, installedVersion } from "../../platform/installation.ts";
import { systemClock, systemRandom } from "../../platform/system-clock.ts";
import { bootId } from "../../runner/run-records.ts";
import { openSpawner } from "../../runner/spawner.ts";
import { AuditDirectory } from "../../security/audit/files.ts";
import { CommandSignatures } from "../../security/operators/command-signatures.ts";
import { DaemonName } from "../../security/operators/daemon-name.ts";
import { OperatorDirectory, type OperatorSource } from "../../security/operators/directory.ts";
import type { Speaker } from "../../security/operators/speaker.ts";
import { ClearEnvelope } from "../../security/seal/clear-envelope.ts";
import { FailedLogins } from "../../security/sessions/failed-logins.ts";
import { SessionFile } from "../../security/sessions/session-file.ts";
import { Sessions } from "../../security/sessions/sessions.ts";
import { LocalOperations } from "../operate/operate.ts";
import { ownProcesses } from "../operate/processes/own-processes.ts";
import { SocketIdentity } from "../operate/speak/identify.ts";
import { Reception } from "../operate/speak/reception.ts";
import { SessionIdentity } from "../operate/speak/session-identity.ts";
import type { ReloadAnswer } from "../operate/table/daemon.ts";
import type { JobOrderOf } from "../operate/table/jobs.ts";
import type { Operations } from "../operate/table.ts";
import { recordSubmitted } from "../submit/audited.ts";
import { Core } from "./core.ts";
import { Listeners } from "./listeners.ts";
import { lockDirectory } from "./lock.ts";
import { ChildReports } from "./processes/child-reports.ts";
import { Processes } from "./processes/processes.ts";
import { readingsOf } from "./readings.ts";
import { reload, takeChanged } from "./reload.ts";
import type { Road } from "./road.ts";
import { openSealing, type Sealing } from "./sealing.ts";
import { markStart } from "./start-mark.ts";

/**
 * The composition root: makes every part of one daemon and puts it under supervision.
 *
 *   daemon (restForOne, escalates)
 *   ├─ broker       nats-server, where the configuration asks for one; tried again for ever, and the rest goes on meanwhile
 *   ├─ core         journal, broker link, the way in and out, the fleet
 *   ├─ processes    (oneForOne, quarantines) subscribers, publishers, sources
 *   ├─ intake       drop folder and inmsg.txt
 *   ├─ configuration  reads a changed file again
 *   └─ api          Unix socket, page, and metrics over TCP; each tried again for ever when its place is taken
 *
 * A child that fails is restarted with all children below it; too many failures end the daemon as failed, and its service
 * manager starts it again. All state is rebuilt from the journal.
 */
export interface DaemonOptions {
  readonly config: Config;
  /** True for a log that people read at a terminal. */
  readonly pretty?: boolean;
  /** Changes the working directory; absent: the daemon keeps the one that it was started in. */
  readonly enter?: (directory: string) => void;
  /** The umask of commands; absent: that of the daemon. */
  readonly umask?: number;
  /** Replacements of the real parts, for tests and simulation. */
  readonly parts?: Partial<Parts>;
}

export interface Parts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly openStore: (directory: string) => Store;
  readonly openTransport: (config: Config) => Transport;
  readonly openSpawner: (directory: string) => Spawner;
  /** Seals outgoing packets, and proves the sender of incoming ones. */
  readonly envelope: Envelope;
  /** The operators, in place of those of the registry or of the trust list. */
  readonly operators: OperatorSource;
  /** The nodes that the embedded broker lets in. */
  readonly logins: Logins;
  /** Names the boot of the host; `null`: the host does not tell. */
  readonly boot: () => string | null;
  readonly hostFacts: HostFacts;
  /** Methods beside those that come with steward; one of the same name replaces steward's. */
  readonly methods: readonly Method[];
  /** Leaves out lock, file intake and listeners: the daemon touches only the parts above. */
  readonly secluded: boolean;
}

export interface Daemon {
  readonly operations: LocalOperations;
  /** Says bye, hands over running commands, flushes. Resolves when all parts are closed. */
  stop(): Promise<void>;
  /** Reads the configuration file again, as SIGHUP does. */
  reload(): Promise<ReloadAnswer>;
  /** Resolves when the daemon was stopped; rejects when it gave up. */
  readonly ended: Promise<void>;
}

const SHUTDOWN = 15_000;
/** Errors that end the daemon at its first start, for the operator to mend; later they are tried again. */
const REFUSALS: readonly ErrorCode[] = ["already-running", "nats-server-missing"];

/** @throws StewardError why it cannot start: `already-running`, `data-directory`, `wrong-node`, `nats-server-missing`, … */
export async function startDaemon({
  config: initial,
  pretty = false,
  enter,
  umask,
  parts = {},
}: DaemonOptions): Promise<Daemon> {
  let config = initial;
  const { clock = systemClock, random = systemRandom, boot = bootId, methods = [], secluded = false } = parts;
  const lock = secluded ? { release: () => undefined } : lockDirectory(config.data);
  enter?.(config.data);
  const log = parts.log ?? openLog({ level: config.log.level, pretty, node: config.node, clock });
  const mark = secluded ? { settled: () => undefined } : markStart(config.data, clock, log);
  const happenings = new Happenings(log);
  const counters = new Counters(log, clock);
  const transitions = new RecentTransitions();
  const inspector = openInspector(log, happenings, clock, transitions);
  const version = installedVersion();
  const startedAt = clock.now();
  let core: Core | undefined;
  let processes: Processes | undefined;
  let reloading: Promise<unknown> = Promise.resolve();
  let metrics: Metrics | undefined;
  const listeners = new Map<string, Listeners>();
  const sessions = new Sessions({
    clock,
    random,
    times: () => config.page,
    keeper: secluded ? { read: () => [], write: () => undefined } : new SessionFile(config.data, log),
  });
  const failedLogins = new FailedLogins(clock);
  let page: PageListener | undefined;
  const reports = new ChildReports({
    clock,
    log,
    alert: (code, text, same) => {
      if (core === undefined) log.error({ code }, text);
      else core.road.failures.report(code, text, same);
    },
    over: (code, text, same) => core?.road.failures.over(code, text, same),
  });
  const sealing = openSecurity();
  const theRoad = (): Road => part(core, "core").road;
  const theProcesses = (): Processes => part(processes, "processes");

  const logins = parts.logins ?? (sealing?.opened.role === "central" ? sealing.opened.trust : undefined);

  const operators = new OperatorDirectory(() => parts.operators ?? sealing?.opened.trust);
  const signatures = new CommandSignatures(operators, clock);
  const operations = new LocalOperations({
    core: theRoad,
    processes: theProcesses,
    config: () => config,
    clock,
    happenings,
    logins,
    operators,
    signatures,
    metrics: () => part(metrics, "metrics"),
    supervision: () => root.tree(),
    transitions,
    sessions,
    page: () => page,
    version,
    startedAt,
    counters,
    reload: reloadNow,
  });

  const daemonName = new DaemonName(() => sealing?.keys.identity, config.node);
  const socketIdentity = new SocketIdentity({ config: () => config, operators, clock, daemon: daemonName });
  const sessionIdentity = new SessionIdentity({ config: () => config, operators });
  const operationsFor = (speaker: Speaker): Operations => operations.as(speaker);

  const openTransport =
    parts.openTransport ??
    (({ broker, node, link }: Config) =>
      openNatsTransport({ broker, name: node, pingMs: link.ping, clock, random, log: log.child({ role: "link" }) }));
  const openStore =
    parts.openStore ??
    ((path: string) => openLmdbStore(path, clock, (seconds) => counters.commitSeconds.observe(seconds)));
  const spawnerIn =
    parts.openSpawner ??
    ((directory: string) =>
      openSpawner({
        directory,
        clock,
        log: log.child({ role: "runner" }),
        withheld: () => config.environment,
        ...(umask === undefined ? {} : { umask }),
      }));

  const children: (Pick<ChildSpec, "id" | "start"> & Partial<ChildSpec>)[] = [];
  const { embedded } = config.broker;
  if (embedded !== null) {
    children.push({
      id: "broker",
      shutdown: "infinity",
      start: () =>
        listen("broker", {
          broker: () =>
            startCentralBroker({
              central: config.central,
              broker: config.broker,
              embedded,
              logins,
              directory: join(config.data, "broker"),
              log: log.child({ role: "broker" }),
              clock,
            }) as Promise<Child>,
        }),
    });
  }
  children.push({
    id: "core",
    start: async () => {
      core = await Core.open({
        config: () => config,
        version,
        startedAt,
        clock,
        random,
        log,
        counters,
        happenings,
        inspector,
        methods,
        envelope: parts.envelope ?? sealing?.envelope ?? new ClearEnvelope(),
        hostFacts: parts.hostFacts ?? (secluded ? undefined : new SystemFacts()),
        openJournal: () => {
          const path = join(config.data, "journal");
          const store = openStore(path);
          try {
            return openJournal(store, { node: config.node, path, clock, random, boot: boot() });
          } catch (error) {
            // Unreadable rows are no defect of this program, and must not be overwritten.
            void store.close().catch(() => undefined);
            if (error instanceof StewardError) throw error;
            throw new StewardError("journal-damaged", { path, fault: faultText(error) }, { cause: error });
          }
        },
        membership: sealing,
        signatures,
        openAudit: secluded ? undefined : () => new AuditDirectory(join(config.data, "audit")),
        openTransport: ({ name, auth } = { name: config.node, auth: config.broker.auth }) =>
          openTransport({ ...config, node: name, broker: { ...config.broker, auth } }),
        openSpawner: () => spawnerIn(join(config.data, "runs")),
        waiting: () => processes?.waiting() ?? [],
        blocked: (part, fault) => processes?.block("core", part, fault),
        processes: async (verb, subject) =>
          (verb === "ps"
            ? ownProcesses({ clock, config: () => config, processes: theProcesses, transitions }, subject || undefined)
            : await theProcesses().control(verb, subject)) as unknown as Json,
      });
      return core;
    },
  });
  children.push({
    id: "processes",
    shutdown: "infinity",
    start: async () => {
      processes = new Processes({
        road: theRoad(),
        config: () => config,
        clock,
        random,
        inspector,
        counters,
        log,
        reports,
        listeners: () => [...listeners.values()].flatMap((one) => one.views()),
        happenings,
      });
      await processes.start();
      return processes.supervisor;
    },
  });
  if (!secluded) {
    children.push({ id: "intake", start: async () => openIntake() });
    children.push({ id: "configuration", start: async () => watchConfiguration() });
  }
  children.push({ id: "api", shutdown: "infinity", start: () => openListeners() });

  const root = new Supervisor(
    {
      id: config.node,
      strategy: "restForOne",
      intensity: config.supervision.intensity,
      period: config.supervision.period,
      onGiveUp: "escalate",
      children: children.map((child) => ({
        restart: "permanent",
        shutdown: SHUTDOWN,
        backoff: config.supervision.backoff,
        ...child,
      })),
    },
    {
      clock,
      random,
      listener: {
        transition: (transition: Transition) => inspector.transition(transition),
        report: ({ kind, child, cause, error }) => log.error({ err: error, child, kind }, `${child}: ${cause}`),
      },
    },
  );

  try {
    await root.start();
  } catch (error) {
    counters.stop();
    mark.settled();
    lock.release();
    await log.flush();
    throw normalise(error);
  }
  log.info({ version, pid: process.pid, socket: config.socket }, `${config.node} is up`);
  const ended = root.ended.then(async (exit: Exit) => {
    counters.stop();
    mark.settled();
    lock.release();
    log.info({ reason: exit.reason }, `${config.node} has ended`);
    await log.flush();
    if (exit.reason === "failed") throw normalise(exit.error);
  });
  ended.catch(() => undefined);

  return {
    operations,
    ended,
    reload: reloadNow,
    async stop() {
      await root.stop();
      await ended.catch(() => undefined);
    },
  };

  /** Keys and trust; `undefined`: nothing is sealed, or the caller has brought an envelope of its own. */
  function openSecurity(): Sealing | undefined {
    if (parts.envelope !== undefined || secluded) return undefined;
    if (config.security === "off") {
      log.warn({}, "security is off: whoever can publish at the broker is obeyed by this node");
      return undefined;
    }
    try {
      return openSealing(config, { clock, random });
    } catch (error) {
      counters.stop();
      mark.settled();
      lock.release();
      throw error;
    }
  }

  /** Reloads run one after another: a signal, the API and a changed file may ask at once. */
  function reloadNow(): Promise<ReloadAnswer> {
    const answer = reloading.then(() => reloadOnce());
    reloading = answer.catch(() => undefined);
    return answer;
  }

  /** A changed file is applied as by SIGHUP, once it is complete; a faulty one is logged and not applied. */
  function watchConfiguration(): Child {
    const watched = new ConfigWatch({
      file: config.file,
      clock,
      changed: (sure) => takeChanged(config, sure, { reload: reloadNow, log }),
    });
    return closing(async () => watched.end());
  }

  async function reloadOnce(): Promise<ReloadAnswer> {
    return await reload(config, {
      road: theRoad(),
      processes: theProcesses(),
      log,
      apply: (next) => {
        config = next;
      },
    });
  }

  function openIntake(): Child {
    const { folder, file } = config.intake;
    const common = {
      clock,
      log: log.child({ role: "intake" }),
      take: async (drafts: readonly TargetedDraft[], key: string) => {
        const { journal, filesInHand, submitter } = theRoad();
        filesInHand.add(key);
        const known = journal.taken(key);
        if (known !== undefined) return { ids: known, duplicate: true };
        const records = submitter.submit(operations.drafts(drafts), { key });
        recordSubmitted(theRoad(), "a message file", records);
        await journal.flushed();
        return { ids: records.map(({ message }) => message.id), duplicate: false };
      },
      takeJob: async (order: JobOrderOf, key: string) => {
        const { journal, filesInHand } = theRoad();
        filesInHand.add(key);
        const known = journal.taken(key);
        if (known !== undefined) return { ids: known, duplicate: true };
        const { id } = await operations.takeJob(order, key);
        return { ids: [id], duplicate: false };
      },
      onTaken: ({ key }: { readonly key: string }) => void core?.road.filesInHand.delete(key),
    };
    const blocked = (name: string) => (fault: string | undefined) => processes?.block("core", name, fault);
    const intakes = [
      ...(folder === null ? [] : [openDropFolder({ ...common, folder, blocked: blocked("drop-folder") })]),
      ...(file === null ? [] : [openInmsgFile({ ...common, file, blocked: blocked("message-file") })]),
    ];
    return closing(async () => {
      for (const intake of intakes) await intake.close();
    });
  }

  async function openListeners(): Promise<Child> {
    metrics?.stop();
    const opened = openMetrics(counters, readingsOf(theRoad, theProcesses, clock), version, clock);
    metrics = opened;
    if (secluded) return closing(async () => opened.stop());
    const address = config.metrics;
    const opening = listen("api", {
      api: async () => {
        const api = await openApi({
          operations,
          reception: new Reception((request) => socketIdentity.identify(request), operationsFor),
          daemon: daemonName,
          path: config.socket,
          access: config.socketAccess,
          clock,
          log: log.child({ role: "api" }),
        });
        return closing(() => api.stop());
      },
      ...(address === null ? {} : { metrics: () => openMetricsListener(address) }),
      ...(config.page.listen === null ? {} : { page: () => openPage(config.page, config.page.listen) }),
    });
    opening
      .then(({ ended }) => ended)
      .then(
        () => opened.stop(),
        () => opened.stop(),
      );
    return await opening;
  }

  async function openPage({ address, tls }: Config["page"], listen: Config["page"]["listen"]): Promise<Child> {
    if (listen === null) throw new Error("the page has no address");
    try {
      const opened = await openPageListener({
        operations,
        listen,
        address: address === null ? undefined : new URL(address),
        tls: tls ?? undefined,
        folder: builtProgram("dashboard"),
        life: Buffer.from(random.bytes(6)).toString("hex"),
        visitors: sessions,
        speakerOf: (visitor) => sessionIdentity.speakerOf(visitor),
        operationsFor,
        failures: failedLogins,
        loggedIn: (visitor, from) => {
          operations.recordLogin(visitor, from);
          if (visitor === undefined) log.warn({ from }, "a login at the page failed");
          else
            log.info(
              { by: visitor.speaker.name, session: visitor.id, from },
              `${visitor.speaker.name} has logged in at the page`,
            );
        },
        clock,
        log: log.child({ role: "page" }),
      });
      page = opened;
      log.info(
        { origin: opened.origin },
        `the page is at ${opened.origin}: \`steward open\` prints a link that logs in`,
      );
      return closing(async () => {
        page = undefined;
        await opened.stop();
      });
    } catch (error) {
      if (error instanceof StewardError) throw error;
      const details = { address: `${listen.host}:${listen.port}`, fault: faultText(error) };
      throw new StewardError("address-unusable", details, { cause: error });
    }
  }

  async function openMetricsListener(address: NonNullable<Config["metrics"]>): Promise<Child> {
    try {
      const tcp = await serveMetrics(address, operations);
      return closing(() => tcp.stop());
    } catch (error) {
      const details = { address: `${address.host}:${address.port}`, fault: faultText(error) };
      throw new StewardError("address-unusable", details, { cause: error });
    }
  }

  /** Starts children that hold a port or a socket, each under a name of its own. */
  async function listen(id: string, starts: Readonly<Record<string, ChildSpec["start"]>>): Promise<Child> {
    const { intensity, period, backoff } = config.supervision;
    const made = new Listeners(
      {
        id,
        intensity,
        period,
        refuses: (error) => error instanceof StewardError && REFUSALS.includes(error.code),
        children: Object.entries(starts).map(([name, start]) => ({
          id: `core ${name}`,
          restart: "permanent",
          shutdown: SHUTDOWN,
          backoff,
          start,
        })),
      },
      {
        clock,
        random,
        listener: {
          transition: (transition) => {
            inspector.transition(transition);
            reports.transition(transition);
          },
          report: (report) => reports.report(report),
        },
      },
    );
    listeners.set(id, made);
    await made.start();
    return made;
  }
}

/** A child that ends only when it is asked to. */
function closing(close: () => Promise<void>): Child {
  let end: (exit: Exit) => void = () => undefined;
  const ended = new Promise<Exit>((resolve) => {
    end = resolve;
  });
  return {
    ended,
    async stop() {
      await close();
      end({ reason: "shutdown" });
    },
  };
}

function part<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw normalise(new Error(`${name} is not up`));
  return value;
}
