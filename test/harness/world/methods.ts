import type { Clock } from "../../../src/message/clock.ts";
import type { Json } from "../../../src/message/message.ts";
import {
  type CommandContext,
  type CommandEnd,
  type CommandHandler,
  defineMethod,
  type Method,
} from "../../../src/methods/define.ts";

/**
 * The methods of the nodes of a world. `work` and `redo` are commands that write each run into a ledger outside of all
 * daemons and then behave as their data says; `note` is an event whose sink survives its daemon; `errorlog` keeps the
 * failures that the nodes report to central.
 */
export interface WorkData {
  /** What it does; default: it succeeds. */
  readonly do?: "fail" | "throw" | "reject" | "throwOnce" | "never" | "late";
  /** Nodes on which it does so; on others it succeeds. Absent: all. */
  readonly on?: readonly string[];
  /** How long it takes, ms. */
  readonly ms?: number;
  readonly n?: number;
}

/** One line for each time that a method began. */
export interface RunLine {
  readonly node: string;
  readonly id: string;
  readonly method: string;
  readonly subject: string;
  readonly at: number;
  /** Simulated time, ms. */
  readonly began: number;
  readonly n: number | undefined;
}

/** What the methods leave behind, whatever becomes of the daemons. */
export class Ledger {
  readonly runs: RunLine[] = [];
  /** What the sinks of `note` hold, by `<node> <origin> <domain>`. */
  readonly notes = new Map<string, Json[]>();
  /** Sizes of the batches that sinks were given. */
  readonly batches: number[] = [];
  readonly failures: { readonly origin: string; readonly code: string; readonly text: string }[] = [];

  runsOf(id: string): number {
    return this.runs.filter((run) => run.id === id).length;
  }

  notesOf(node: string, origin: string, domain = "news"): Json[] {
    return this.notes.get(`${node} ${origin} ${domain}`) ?? [];
  }
}

/** A life of a daemon as its methods see it. */
export interface MethodLife {
  readonly node: string;
  readonly clock: Clock;
  readonly alive: () => boolean;
  /** How long a sink takes for a batch, ms. */
  readonly sinkMs: () => number;
  /** Commands whose method has begun and not ended; nothing can end one that does not want to. */
  readonly underWay: Set<string>;
  /** A method has begun, or is about to say that it ended. */
  readonly reach: (point: "begin" | "end") => void;
}

export function worldMethods(ledger: Ledger, life: MethodLife): Method[] {
  return [command("work", {}), command("redo", { idempotent: true }), note(), errorlog()];

  function command(name: string, extra: Partial<CommandHandler>): Method {
    return defineMethod({
      name,
      summary: "Writes a line into the ledger and does what it is told.",
      command: {
        check(data) {
          if (typeof data !== "object" || data === null || Array.isArray(data)) throw new Error("expected a mapping");
        },
        vector: (data) => [name, (data as WorkData).do ?? "well"],
        run: (context) => run(name, context),
        ...extra,
      },
    });
  }

  async function run(method: string, context: CommandContext): Promise<CommandEnd> {
    if (!life.alive()) return never();
    const { id, subject } = context;
    const { on, ...told } = context.data as WorkData;
    const { do: _elsewhere, ...well } = told;
    const data: WorkData = on === undefined || on.includes(life.node) ? told : well;
    ledger.runs.push({
      node: life.node,
      id,
      method,
      subject,
      at: context.clock.now(),
      began: context.clock.monotonic(),
      n: data.n,
    });
    life.reach("begin");
    if (!life.alive()) return never();
    if (data.do === "throw" || (data.do === "throwOnce" && ledger.runsOf(id) === 1)) throw new Error("it broke");
    life.underWay.add(id);
    if (data.do === "never") return never();
    const end = await perform(data, context).finally(() => life.underWay.delete(id));
    life.reach("end");
    return life.alive() ? end : never();
  }

  function note(): Method {
    return defineMethod({
      name: "note",
      summary: "Appends to a list that outlives its daemon.",
      event: {
        check(data) {
          if (typeof data !== "object" || data === null) throw new Error("expected a mapping");
        },
        async handle(batch, { node, origin, domain, checkpoint, clock }) {
          if (!life.alive()) return never();
          const key = `${node} ${origin} ${domain}`;
          const list = ledger.notes.get(key) ?? [];
          ledger.notes.set(key, list);
          // What a call wrote whose end was never recorded comes again.
          list.length = Math.min(list.length, typeof checkpoint === "number" ? checkpoint : 0);
          ledger.batches.push(batch.length);
          for (const { data } of batch) {
            if ((data as { poison?: boolean }).poison === true) throw new Error("poison");
            list.push(data);
          }
          const end = list.length;
          life.reach("end");
          if (life.sinkMs() > 0) await new Promise<void>((resolve) => clock.setTimeout(resolve, life.sinkMs()));
          return end;
        },
      },
    });
  }

  function errorlog(): Method {
    return defineMethod({
      name: "errorlog",
      summary: "Keeps the failures of the nodes.",
      event: {
        check: () => undefined,
        async handle(batch, { origin }) {
          for (const { data } of batch) ledger.failures.push({ origin, ...(data as { code: string; text: string }) });
          return undefined;
        },
      },
    });
  }
}

/** What a method of a life that is over comes to. */
function never(): Promise<never> {
  return new Promise(() => undefined);
}

async function perform(data: WorkData, context: CommandContext): Promise<CommandEnd> {
  if (data.do === "reject") throw new Error("it rejected");
  const why = await pause(context, data.ms ?? 0, data.do === "late");
  if (why === "cancelled") return { state: "cancelled", reason: "ended on request while it ran" };
  if (why === "timedOut") return { state: "timedOut", reason: `ran longer than ${context.timeout} ms` };
  if (data.do === "fail") return { state: "failed", code: 3, reason: "exit code 3" };
  return { state: "succeeded", code: 0, result: data.n ?? null };
}

/** Waits; a method that is `late` heeds neither its timeout nor a cancel. */
function pause({ clock, timeout, cancelled }: CommandContext, ms: number, late: boolean): Promise<string> {
  return new Promise((resolve) => {
    if (late) return void clock.setTimeout(() => resolve("over"), ms);
    if (cancelled.aborted) return resolve("cancelled");
    if (ms === 0) return resolve("over");
    const timer = clock.setTimeout(() => resolve(ms > timeout ? "timedOut" : "over"), Math.min(ms, timeout));
    cancelled.addEventListener("abort", () => {
      clock.clearTimeout(timer);
      resolve("cancelled");
    });
  });
}
