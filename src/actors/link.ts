import { assign, setup } from "xstate";

/**
 * The broker link as an actor: what the transport reports, with the time since when it is so. It decides nothing and has
 * no timer; reconnecting is the transport's business.
 *
 *   connecting ──► connected ⇄ disconnected        denied: a broker answers and refuses the credentials
 *        └────────────┴──► denied ◄──┘             closed: final, by the daemon's own wish
 *
 * Invariant: `since` is when the present state was entered; a new fault within the same state does not change it.
 */
export type LinkEvent =
  | { readonly type: "connecting"; readonly at: number; readonly cause: string }
  | { readonly type: "connected"; readonly at: number; readonly cause: string; readonly server: string }
  | { readonly type: "disconnected"; readonly at: number; readonly cause: string }
  | { readonly type: "denied"; readonly at: number; readonly cause: string }
  | { readonly type: "closed"; readonly at: number; readonly cause: string };

export interface LinkContext {
  /** Milliseconds since 1970. */
  readonly since: number;
  /** The broker at the other end, while connected. */
  readonly server: string | null;
  /** Why there is no connection. */
  readonly fault: string | null;
  /** Connections made after the first one. */
  readonly reconnects: number;
  readonly everConnected: boolean;
}

/** The shape of a transport's status. */
export interface LinkReport {
  readonly state: LinkEvent["type"];
  readonly server?: string;
  readonly fault?: string;
}

/** The event that tells the machine of a status which the transport reported at `at`. */
export function linkEvent({ state, server = "", fault = "" }: LinkReport, at: number): LinkEvent {
  return state === "connected" ? { type: state, at, cause: server, server } : { type: state, at, cause: fault };
}

export const linkMachine = setup({
  types: {
    context: {} as LinkContext,
    events: {} as LinkEvent,
    input: {} as { readonly at: number },
  },
  actions: {
    connect: assign(({ context, event }) => ({
      since: event.at,
      server: event.type === "connected" ? event.server : null,
      fault: null,
      reconnects: context.everConnected ? context.reconnects + 1 : 0,
      everConnected: true,
    })),
    lose: assign(({ event }) => ({ since: event.at, server: null, fault: event.cause === "" ? null : event.cause })),
    noteFault: assign(({ context, event }) => ({ fault: event.cause === "" ? context.fault : event.cause })),
    noteServer: assign(({ context, event }) => ({
      server: event.type === "connected" ? event.server : context.server,
    })),
  },
}).createMachine({
  id: "link",
  initial: "connecting",
  context: ({ input }) => ({ since: input.at, server: null, fault: null, reconnects: 0, everConnected: false }),
  on: {
    connecting: { target: ".connecting", actions: "lose" },
    connected: { target: ".connected", actions: "connect" },
    disconnected: { target: ".disconnected", actions: "lose" },
    denied: { target: ".denied", actions: "lose" },
    closed: { target: ".closed", actions: "lose" },
  },
  states: {
    connecting: { on: { connecting: { actions: "noteFault" } } },
    connected: { on: { connected: { actions: "noteServer" }, connecting: {} } },
    disconnected: { on: { disconnected: { actions: "noteFault" }, connecting: { actions: "noteFault" } } },
    denied: { on: { denied: { actions: "noteFault" } } },
    closed: { type: "final" },
  },
});
