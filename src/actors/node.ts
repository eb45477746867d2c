import { assign, setup } from "xstate";

/**
 * The knowledge of one node, in regions that change independently of each other. Driven by ACKs, events and time; time
 * comes as events too (`late`, `silent`), from one deadline wheel for all nodes, so that an actor costs no timer.
 *
 *   link     neverSeen ─▶ online ⇄ late ─▶ offline ─▶ online
 *   session  none ─▶ resyncing ⇄ live            (live: both sides think the same of every open command)
 *   work     idle ⇄ busy
 *   trust    pending ─▶ accepted ─▶ revoked
 *   storage  ok ⇄ low ⇄ full
 *
 * `alive`: verified evidence of life, any frame or ACK. `agreed`: the node thinks of our commands as we do.
 */
export type NodeEvent =
  | {
      readonly type: "alive" | "agreed" | "late" | "silent" | "bye" | "absent" | "busy" | "idle" | "accept" | "revoke";
      readonly at: number;
      readonly cause: string;
    }
  | {
      readonly type: "hello";
      readonly at: number;
      readonly cause: string;
      readonly storage: "ok" | "low" | "full";
      /** The daemon or its journal is another one than before. */
      readonly anew: boolean;
    };

export type LinkState = "neverSeen" | "online" | "late" | "offline";

export type Region = "link" | "session" | "work" | "trust" | "storage";

export interface NodeContext {
  readonly name: string;
  /** When the link last changed, ms, and why. */
  readonly linkSince: number;
  readonly linkCause: string;
}

const seen = { target: "online", actions: "changed" } as const;

export const nodeMachine = setup({
  types: { context: {} as NodeContext, events: {} as NodeEvent, input: {} as { name: string; at: number } },
  guards: {
    anew: ({ event }) => event.type === "hello" && event.anew,
    storageOk: ({ event }) => event.type === "hello" && event.storage === "ok",
    storageLow: ({ event }) => event.type === "hello" && event.storage === "low",
    storageFull: ({ event }) => event.type === "hello" && event.storage === "full",
  },
  actions: { changed: assign(({ event }) => ({ linkSince: event.at, linkCause: event.cause })) },
}).createMachine({
  id: "node",
  context: ({ input }) => ({ name: input.name, linkSince: input.at, linkCause: "never heard of it" }),
  type: "parallel",
  states: {
    link: {
      initial: "neverSeen",
      on: { bye: { target: ".offline", actions: "changed" } },
      states: {
        neverSeen: { on: { alive: seen, hello: seen } },
        online: {
          on: {
            late: { target: "late", actions: "changed" },
            silent: { target: "offline", actions: "changed" },
            absent: { target: "late", actions: "changed" },
          },
        },
        late: { on: { alive: seen, hello: seen, silent: { target: "offline", actions: "changed" } } },
        offline: { on: { alive: seen, hello: seen } },
      },
    },
    session: {
      initial: "none",
      on: { bye: ".none", silent: ".none" },
      states: {
        none: { on: { alive: "resyncing", hello: "resyncing" } },
        resyncing: { on: { agreed: "live" } },
        live: { on: { hello: { guard: "anew", target: "resyncing" } } },
      },
    },
    work: {
      initial: "idle",
      states: { idle: { on: { busy: "busy" } }, busy: { on: { idle: "idle" } } },
    },
    trust: {
      initial: "pending",
      states: {
        pending: { on: { accept: "accepted", revoke: "revoked" } },
        accepted: { on: { revoke: "revoked" } },
        revoked: { on: { accept: "accepted" } },
      },
    },
    storage: {
      initial: "ok",
      on: {
        hello: [
          { guard: "storageOk", target: ".ok" },
          { guard: "storageLow", target: ".low" },
          { guard: "storageFull", target: ".full" },
        ],
      },
      states: { ok: {}, low: {}, full: {} },
    },
  },
});
