import type { JobPlan } from "../../message/jobs/job.ts";
import { timeZoneFault } from "../../message/schedule/hours.ts";
import { TimeZone } from "../../message/schedule/time-zone.ts";
import { openingAt, parseWindow, type Window } from "../../message/schedule/window.ts";

export interface ZoneOptions {
  readonly node: string;
  /** The facts that nodes told, among them their time zones. */
  readonly facts: { value(node: string, key: string): unknown };
}

/** The zones of nodes, as their facts name them. A node that tells none has that of this node, else UTC. */
export class Zones {
  readonly #options: ZoneOptions;
  readonly #known = new Map<string, TimeZone>();

  constructor(options: ZoneOptions) {
    this.#options = options;
  }

  get own(): TimeZone {
    return this.of(this.#options.node);
  }

  of(node: string): TimeZone {
    const { facts, node: self } = this.#options;
    for (const each of [node, self]) {
      const name = facts.value(each, "timezone");
      if (typeof name === "string" && timeZoneFault(name) === undefined) return this.named(name);
    }
    return this.named("UTC");
  }

  named(name: string): TimeZone {
    const known = this.#known.get(name) ?? new TimeZone(name);
    this.#known.set(name, known);
    return known;
  }
}

/** The hours in which messages of a job may begin. */
export class OpenHours {
  readonly #window: Window;
  readonly #zoneOf: (node: string) => TimeZone;
  /** The openings at one moment, by zone. */
  #at = Number.NaN;
  readonly #openings = new Map<string, ReturnType<typeof openingAt>>();

  constructor(window: string, zone: JobPlan["zone"], zones: Zones) {
    this.#window = parseWindow(window);
    this.#zoneOf = zone === "node" ? (node) => zones.of(node) : () => (zone === null ? zones.own : zones.named(zone));
  }

  /** The opening at a moment, or the next one, by the clocks that count for a node. */
  at(moment: number, node: string): ReturnType<typeof openingAt> {
    if (this.#at !== moment) this.#openings.clear();
    this.#at = moment;
    const zone = this.#zoneOf(node);
    if (!this.#openings.has(zone.name)) this.#openings.set(zone.name, openingAt(this.#window, moment, zone));
    return this.#openings.get(zone.name);
  }
}
