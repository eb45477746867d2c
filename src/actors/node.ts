import { assign, setup } from "xstate";

/**
 * What is known of one node, in regions that change independently of each other. Driven by ACKs, events and time; time
 * comes as events too (`late`, `silent`), from one deadline wheel for all nodes, so that an actor costs no timer.
 *
 *   link     neverSeen ─▶ online ⇄ late ─▶ offline ─▶ online
 *   session  none ─▶ resyncing ⇄ live            (live: both sides think the same of every open command)
 *   work     idle ⇄ busy
 *   trust    pending ─▶ accepted ─▶ revoked
 *   storage  ok ⇄ low ⇄ full
 */
export type NodeEvent =
  /** Verified evidence of life: any frame or ACK. */
  | { readonly type: "alive"; readonly at: number; readonly cause: string }
  | {
      readonly type: "hello";
      readonly at: number;
      readonly cause: string;
      readonly storage: "ok" | "low" | "full";
      /** Its daemon or its journal is another one than before. */
      readonly anew: boolean;
    }
  /** What it thinks of our commands is what we think. */
  | { readonly type: "agreed"; readonly at: number; readonly cause: string }
  | { readonly type: "late"; readonly at: number; readonly cause: string }
  | { readonly type: "silent"; readonly at: number; readonly cause: string }
  | { readonly type: "bye"; readonly at: number; readonly cause: string }
  | { readonly type: "absent"; readonly at: number; readonly cause: string }
  | { readonly type: "busy"; readonly at: number; readonly cause: string }
  | { readonly type: "idle"; readonly at: number; readonly cause: string }
  | { readonly type: "accept"; readonly at: number; readonly cause: string }
  | { readonly type: "revoke"; readonly at: number; readonly cause: string };

export type LinkState = "neverSeen" | "online" | "late" | "offline";

export type Region = "link" | "session" | "work" | "trust" | "storage";

export interface NodeContext {
  readonly name: string;
  /** When the link last changed, ms, and why. */
  readonly linkSince: number;
  readonly linkCause: string;
}

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
        neverSeen: {
          on: { alive: { target: "online", actions: "changed" }, hello: { target: "online", actions: "changed" } },
        },
        online: {
          on: {
            late: { target: "late", actions: "changed" },
            silent: { target: "offline", actions: "changed" },
            absent: { target: "late", actions: "changed" },
          },
        },
        late: {
          on: {
            alive: { target: "online", actions: "changed" },
            hello: { target: "online", actions: "changed" },
            silent: { target: "offline", actions: "changed" },
          },
        },
        offline: {
          on: { alive: { target: "online", actions: "changed" }, hello: { target: "online", actions: "changed" } },
        },
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
      states: {
        ok: {
          on: {
            hello: [
              { guard: "storageLow", target: "low" },
              { guard: "storageFull", target: "full" },
            ],
          },
        },
        low: {
          on: {
            hello: [
              { guard: "storageOk", target: "ok" },
              { guard: "storageFull", target: "full" },
            ],
          },
        },
        full: {
          on: {
            hello: [
              { guard: "storageOk", target: "ok" },
              { guard: "storageLow", target: "low" },
            ],
          },
        },
      },
    },
  },
});
