import type { Inspector } from "../../../actors/root.ts";
import type { ChildSpec, ChildView } from "../../../actors/supervisor/spec.ts";
import { Supervisor } from "../../../actors/supervisor/supervisor.ts";
import type { Config, PublishConfig } from "../../../config/config.ts";
import type { Clock, Random } from "../../../message/clock.ts";
import { StewardError } from "../../../message/errors.ts";
import type { ProcessVerb } from "../../../message/process-verb.ts";
import type { ScheduleView } from "../../../message/schedule/held-schedule.ts";
import type { Happenings } from "../../../observe/happenings.ts";
import type { Log } from "../../../observe/log.ts";
import type { Counters } from "../../../observe/metrics/counters.ts";
import { Subscriber } from "../../execute/subscriber.ts";
import type { ProcessView, WaitingProcess } from "../../operate/table/processes.ts";
import type { Route } from "../../receive/route.ts";
import { BrokerLimit } from "../../submit/broker-limit.ts";
import { OwnEvents } from "../../submit/own-events.ts";
import type { ProcessWatcher } from "../../submit/process-watcher.ts";
import { startSource } from "../../submit/source.ts";
import type { Road } from "../road.ts";
import type { ChildReports } from "./child-reports.ts";

/**
 * The processes of this node under one supervisor: subscribers, publishers and sources, each a child of its own, so that
 * one that fails again and again is quarantined without harm to the others.
 */
export interface ProcessesOptions {
  readonly road: Road;
  readonly config: () => Config;
  readonly clock: Clock;
  readonly random: Random;
  readonly inspector: Inspector;
  readonly counters: Counters;
  readonly log: Log;
  readonly reports: ChildReports;
  /** Children of the daemon that hold a port or a socket, and are shown while they cannot. */
  readonly listeners: () => readonly ChildView[];
  readonly happenings: Happenings;
}

type Role = ProcessView["role"];

/** How long a process may take to start, ms. */
const START_WITHIN = 30_000;
/** How long a subscriber may finish commands that it cannot hand over, ms. */
const SHUTDOWN = 10_000;

export class Processes implements ProcessWatcher {
  readonly supervisor: Supervisor;
  readonly #options: ProcessesOptions;
  /** Processes that run and cannot work for a fault of their surroundings, by name. */
  readonly #blocked = new Map<string, { readonly since: number; readonly fault: string }>();
  readonly #events: OwnEvents;

  constructor(options: ProcessesOptions) {
    this.#options = options;
    const { road, config, clock, random, inspector, counters, reports } = options;
    const brokerLimit = new BrokerLimit(road.transport, road.journal);
    this.#events = new OwnEvents({ ...road, config, clock, counters, brokerLimit });
    const { intensity, period } = config().supervision;
    const children = [
      ...[...road.routes.all()].map((route) => this.#subscriberSpec(route)),
      ...config().publish.map((publication) => this.#sourceSpec(publication)),
    ];
    this.supervisor = new Supervisor(
      { id: "processes", strategy: "oneForOne", intensity, period, onGiveUp: "quarantine", children },
      {
        clock,
        random,
        listener: {
          transition: (transition) => {
            inspector.transition(transition);
            reports.transition(transition);
            const [role = "", subject = ""] = transition.actor.split(" ");
            this.#changed({ subject, role, from: transition.from, to: transition.to, cause: transition.cause });
          },
          report: (report) => reports.report(report),
        },
      },
    );
  }

  async start(): Promise<void> {
    await this.supervisor.start();
    this.#options.road.publishers.superviseBy(this.supervisor);
  }

  views(): ProcessView[] {
    const schedules = this.#options.road.schedules.views().map(scheduleProcess);
    return [...this.#children().map((child) => this.#view(child)), ...schedules];
  }

  #children(): ChildView[] {
    const waiting = this.#options.listeners().filter((child) => child.waitsSince !== undefined);
    const intakes = [...this.#blocked].flatMap(([id, { since }]): ChildView[] =>
      id.startsWith("core ") ? [{ id, state: "running", restarts: 0, since }] : [],
    );
    return [...this.supervisor.children(), ...waiting, ...intakes];
  }

  /** Processes that cannot work for a fault of their surroundings, and are tried again until they can; the longest first. */
  waiting(): WaitingProcess[] {
    // Each hello asks for these: the views of all others, thousands of publishers among them, are not made for it.
    return this.#children()
      .filter(({ id, waitsSince }) => waitsSince !== undefined || this.#blocked.has(id))
      .map((child) => this.#view(child))
      .flatMap(({ role, subject, waitsSince: since, lastError = "" }) =>
        since === undefined ? [] : [{ role, subject, since, reason: lastError }],
      )
      .sort((a, b) => a.since - b.since);
  }

  /** @throws StewardError `process-unknown` */
  async control(verb: ProcessVerb, subject: string): Promise<ProcessView> {
    const ids = this.supervisor
      .children()
      .map(({ id }) => id)
      .filter((id) => id.endsWith(` ${subject}`));
    const [first] = ids;
    if (first === undefined) throw new StewardError("process-unknown", { node: this.#options.config().node, subject });
    for (const id of ids) {
      if (verb === "start") await this.supervisor.startChild(id);
      else if (verb === "stop") await this.supervisor.stopChild(id);
      else if (verb === "restart") await this.supervisor.restartChild(id);
      else await this.supervisor.revive(id);
    }
    const child = this.supervisor.child(first);
    if (child === undefined) throw new StewardError("process-unknown", { node: this.#options.config().node, subject });
    return this.#view(child);
  }

  async addRoute(route: Route): Promise<void> {
    await this.supervisor.addChild(this.#subscriberSpec(route));
  }

  async addSource(publication: PublishConfig): Promise<void> {
    await this.supervisor.addChild(this.#sourceSpec(publication));
  }

  async remove(role: Role, subject: string): Promise<void> {
    await this.supervisor.removeChild(`${role} ${subject}`);
  }

  #view(child: ChildView): ProcessView {
    const { road } = this.#options;
    const [role = "", subject = ""] = child.id.split(" ");
    const route = role === "subscriber" ? road.routes.get(subject) : undefined;
    const publisher = role === "publisher" ? road.publishers.get(subject) : undefined;
    const lane = publisher?.view();
    const held = publisher === undefined ? undefined : road.maintenance.halts(subject);
    const blocked = child.state === "running" ? this.#blocked.get(child.id) : undefined;
    const own = blocked !== undefined ? "blocked" : (route?.process?.state ?? publisher?.state ?? "working");
    const lastError = blocked?.fault ?? child.lastError;
    const lastErrorAt = blocked?.since ?? child.lastErrorAt;
    const waitsSince = blocked?.since ?? child.waitsSince;
    const state = child.state === "running" ? own : child.state === "stopping" ? "stopped" : child.state;
    return {
      subject,
      role: role as Role,
      state,
      since: blocked?.since ?? child.since,
      restarts: child.restarts,
      queued: route?.waiting ?? lane?.waiting ?? 0,
      active: route?.process?.active ?? lane?.inFlight ?? 0,
      ...(waitsSince === undefined ? {} : { waitsSince }),
      ...(lastError === undefined ? {} : { lastError }),
      ...(lastErrorAt === undefined ? {} : { lastErrorAt }),
      ...(held === undefined ? {} : { held }),
      ...(lane?.stuck === undefined ? {} : { stuck: lane.stuck }),
    };
  }

  #changed(change: { subject: string; role: string; from: string; to: string; cause: string }): void {
    const { clock, happenings } = this.#options;
    if (happenings.watched) happenings.emit({ type: "process", at: clock.now(), ...change });
  }

  /** `fault`: why a process that runs cannot work; `undefined`: it can again. Sources alert central themselves, in more detail. */
  block(role: Role, subject: string, fault: string | undefined): void {
    const { clock, reports } = this.#options;
    const id = `${role} ${subject}`;
    const before = this.#blocked.get(id);
    if (before?.fault === fault) return;
    if (fault === undefined) this.#blocked.delete(id);
    else this.#blocked.set(id, { since: before?.since ?? clock.now(), fault });
    if (role !== "source") {
      if (fault === undefined) reports.works(id);
      else reports.waits(id, fault);
    }
    if ((before === undefined) === (fault === undefined)) return;
    const [from, to] = before === undefined ? ["working", "blocked"] : ["blocked", "working"];
    this.#changed({ subject, role, from, to, cause: fault ?? "its fault is gone" });
  }

  #subscriberSpec(route: Route): ChildSpec {
    const { road, config, clock, inspector, log, counters } = this.#options;
    return {
      id: `subscriber ${route.subject}`,
      restart: "permanent",
      shutdown: SHUTDOWN,
      startTimeout: START_WITHIN,
      backoff: config().supervision.backoff,
      start: async () =>
        new Subscriber({
          ...road,
          route,
          node: config().node,
          watcher: this,
          directory: road.directory(route.method.name),
          config,
          clock,
          inspector,
          counters,
          log: log.child({ subject: route.subject }),
        }),
    };
  }

  #sourceSpec(publication: PublishConfig): ChildSpec {
    const { road, config, clock, log, counters } = this.#options;
    const { subject, method } = publication;
    return {
      id: `source ${subject}`,
      restart: "permanent",
      shutdown: SHUTDOWN,
      startTimeout: START_WITHIN,
      backoff: config().supervision.backoff,
      start: async () => {
        const source = road.methods.get(method)?.sources?.[publication.source];
        if (source === undefined)
          throw new StewardError("source-failed", {
            subject,
            fault: `${method} has no source called ${publication.source}`,
          });
        return startSource({
          ...road,
          config: publication,
          source,
          lineBytes: () => config().limits.lineBytes,
          events: this.#events,
          watcher: this,
          counters,
          clock,
          log: log.child({ subject }),
        });
      },
    };
  }
}

/** A schedule among the processes; it has a command of its own to be paused and removed by. */
function scheduleProcess({ name, state, since, left: _left, runs }: ScheduleView): ProcessView {
  const [failed] = runs.slice(-1).filter((run) => run.state !== "succeeded");
  const shown = { waiting: "idle", due: "working", running: "working", paused: "paused", ended: "stopped" } as const;
  return {
    subject: `schedule ${name}`,
    role: "schedule",
    state: shown[state],
    since,
    restarts: 0,
    queued: state === "due" ? 1 : 0,
    active: state === "running" ? 1 : 0,
    ...(failed === undefined ? {} : { lastError: failed.reason ?? failed.state, lastErrorAt: failed.at }),
  };
}
