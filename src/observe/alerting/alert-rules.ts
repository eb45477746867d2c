import type { Config } from "../../config/config.ts";
import type { Json } from "../../message/message.ts";

/**
 * The rules of `alerts:` applied to what was found, look by look. The rules decide what is told, and do no I/O.
 *
 *   (none) ──found──▶ pending ──for──▶ open ──gather──▶ told ──repeat──▶ told again
 *                        └──gone──▶ (none)    └──gone for `recover`──▶ over ──gather──▶ (none), told where `open` was
 *
 * Nodes that become so at about the same time are told in one notice: a broker that is cut off is one alert. A muted node is
 * told when its mute is over and the condition still holds, or never.
 */
export type AlertRule = Config["alerts"][string];

/** A node for which the condition of a rule holds. */
export interface Finding {
  readonly node: string;
  /** The thing that is found of the node; absent: the condition itself. */
  readonly matter?: string;
  /** The fault in words. */
  readonly text: string;
  /** Since when, ms since 1970; absent: since this look. */
  readonly since?: number;
}

interface State {
  readonly node: string;
  readonly text: string;
  readonly since: number;
  /** Absent: pending. */
  readonly openedAt?: number;
  readonly toldAt?: number;
  readonly goneAt?: number;
  readonly overAt?: number;
}

/** One thing to tell: what came, what still is, what is over. */
export interface Notice {
  readonly rule: string;
  readonly to: readonly string[];
  readonly body: { readonly [key: string]: Json };
}

export interface OpenAlert extends State {
  readonly rule: string;
  readonly openedAt: number;
}

/** A notice waits until no other one of its rule has come for so long, and no longer than the second time, ms. */
const GATHER = 20_000;
const GATHER_AT_MOST = 120_000;
/** Nodes that a notice names, and that its text names. */
const NAMED = 100;
const IN_TEXT = 10;
/** Conditions that are followed at most, over all rules. */
const MOST = 50_000;

export class AlertRules {
  /** By rule and finding. */
  readonly #states = new Map<string, Map<string, State>>();

  /** @param stored what `stored` gave before */
  constructor(stored?: Json) {
    const { open = {} } = (stored ?? {}) as unknown as { readonly open?: Record<string, Record<string, State>> };
    for (const [rule, states] of Object.entries(open)) this.#states.set(rule, new Map(Object.entries(states)));
  }

  /** The open conditions, for the journal. */
  get stored(): Json {
    const open = [...this.#states].map(([rule, states]) => [
      rule,
      Object.fromEntries([...states].filter(([, { openedAt }]) => openedAt !== undefined)),
    ]);
    return { v: 1, open: Object.fromEntries(open) } as unknown as Json;
  }

  /** True while no condition is followed. */
  get isEmpty(): boolean {
    return this.#states.size === 0;
  }

  /** The open conditions, the latest first. */
  open(): OpenAlert[] {
    return [...this.#states]
      .flatMap(([rule, states]) =>
        [...states.values()].flatMap((state) =>
          state.openedAt === undefined || state.overAt !== undefined
            ? []
            : [{ rule, ...state, openedAt: state.openedAt }],
        ),
      )
      .sort((a, b) => b.openedAt - a.openedAt || (a.node < b.node ? -1 : 1));
  }

  /** Judges the findings of all rules at one moment. `changed`: `stored` is another one than before. */
  look(
    rules: Readonly<Record<string, AlertRule>>,
    found: (name: string, rule: AlertRule) => readonly Finding[],
    now: number,
    isMuted: (node: string) => boolean,
  ): { readonly notices: readonly Notice[]; readonly changed: boolean } {
    const notices: Notice[] = [];
    let changed = false;
    // Conditions of a rule that is no more are forgotten: nobody said where they should be told.
    for (const name of [...this.#states.keys()]) if (!Object.hasOwn(rules, name)) changed = this.#states.delete(name);
    for (const [name, rule] of Object.entries(rules)) {
      const before = this.#states.get(name) ?? new Map<string, State>();
      const next = this.#next(rule, before, found(name, rule), now);
      const told = tell(name, rule, next, now, isMuted);
      notices.push(...told.notices);
      if (told.states.size > 0) this.#states.set(name, told.states);
      else this.#states.delete(name);
      changed ||= differ(before, told.states);
    }
    return { notices, changed };
  }

  #next(
    rule: AlertRule,
    before: ReadonlyMap<string, State>,
    found: readonly Finding[],
    now: number,
  ): Map<string, State> {
    const next = new Map<string, State>();
    for (const { node, matter = "", text, since = now } of found) {
      if (next.size >= MOST) break;
      const key = matter === "" ? node : `${node} ${matter}`;
      const known = before.get(key);
      // A condition that comes back before it was over is the alert that it was.
      const { goneAt: _gone, overAt: _over, ...state } = known ?? { since: Math.min(since, now) };
      const from = Math.min(state.since, now);
      const opens = !("openedAt" in state) && now - from >= rule.for;
      next.set(key, { ...state, node, text, since: from, ...(opens ? { openedAt: now } : {}) });
    }
    for (const [key, state] of before) {
      if (next.has(key) || state.openedAt === undefined) continue;
      const goneAt = Math.min(state.goneAt ?? now, now);
      const isOver = state.overAt === undefined && now - goneAt >= rule.recover;
      next.set(key, { ...state, goneAt, ...(isOver ? { overAt: now } : {}) });
    }
    return next;
  }
}

function tell(
  name: string,
  rule: AlertRule,
  states: ReadonlyMap<string, State>,
  now: number,
  isMuted: (node: string) => boolean,
): { readonly notices: Notice[]; readonly states: Map<string, State> } {
  const left = new Map<string, State>(states);
  const notices: Notice[] = [];
  const notice = (state: "raised" | "still" | "over", of: readonly (readonly [string, State])[]): void => {
    if (of.length > 0)
      notices.push(
        noticeOf(
          name,
          rule,
          state,
          of.map(([, one]) => one),
          now,
        ),
      );
  };
  const all = [...states];
  const audible = all.filter(([, { node }]) => !isMuted(node));
  const untold = audible.filter(
    ([, s]) => s.openedAt !== undefined && s.toldAt === undefined && s.goneAt === undefined,
  );
  if (
    isGathered(
      untold.map(([, { openedAt = now }]) => openedAt),
      now,
    )
  ) {
    notice("raised", untold);
    for (const [key, state] of untold) left.set(key, { ...state, toldAt: now });
  }
  const { repeat } = rule;
  const due = audible.filter(
    ([, { toldAt, goneAt }]) =>
      repeat !== null && toldAt !== undefined && goneAt === undefined && now - toldAt >= repeat,
  );
  notice("still", due);
  for (const [key, state] of due) left.set(key, { ...state, toldAt: now });
  const over = all.filter(([, { overAt }]) => overAt !== undefined);
  // The end of a condition that was never told is no news either.
  for (const [key, { toldAt }] of over) if (toldAt === undefined) left.delete(key);
  const ended = over.filter(([, { toldAt }]) => toldAt !== undefined);
  if (
    isGathered(
      ended.map(([, { overAt = now }]) => overAt),
      now,
    )
  ) {
    notice(
      "over",
      ended.filter(([, { node }]) => !isMuted(node)),
    );
    for (const [key] of ended) left.delete(key);
  }
  return { notices, states: left };
}

/** True if what came at these times is to be told now. A clock that went back ends the waiting. */
function isGathered(times: readonly number[], now: number): boolean {
  if (times.length === 0) return false;
  const [first, last] = [Math.min(...times), Math.max(...times)];
  return last > now || now - last >= GATHER || now - first >= GATHER_AT_MOST;
}

function noticeOf(rule: string, { to, when }: AlertRule, state: string, of: readonly State[], now: number): Notice {
  const nodes = [...new Set(of.map(({ node }) => node))].sort();
  const [first] = of;
  const names =
    nodes.length > IN_TEXT
      ? `${nodes.slice(0, IN_TEXT).join(", ")} and ${nodes.length - IN_TEXT} more`
      : nodes.join(", ");
  const what = of.length === 1 && first !== undefined ? first.text : `${nodes.length} nodes: ${names}`;
  const word = { raised: "", still: "still: ", over: "over: " }[state] ?? "";
  return {
    rule,
    to,
    body: {
      text: `${rule}: ${word}${what}`,
      rule,
      when,
      state,
      count: nodes.length,
      nodes: nodes.slice(0, NAMED),
      details: of.slice(0, NAMED).map(({ node, text, since }) => ({ node, text, since })),
      at: now,
    },
  };
}

function differ(a: ReadonlyMap<string, State>, b: ReadonlyMap<string, State>): boolean {
  const kept = (states: ReadonlyMap<string, State>): string =>
    JSON.stringify([...states].filter(([, { openedAt }]) => openedAt !== undefined));
  return kept(a) !== kept(b);
}
