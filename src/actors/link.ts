import { assign, setup } from "xstate";

/**
 * The connection to the broker as an actor: the transport's reports, with the time since when it is so. The actor has no
 * timer; reconnecting is the transport's business.
 *
 *   connecting ──► connected ⇄ disconnected        denied: a broker answers and refuses the credentials
 *        └────────────┴──► denied ◄──┘             closed: final, by the daemon's own wish
 *
 * Invariant: `since` is when the present state was entered; a new fault within the same state does not change it.
 */
interface LinkEvent {
  readonly type: "connecting" | "connected" | "disconnected" | "denied" | "closed";
  readonly at: number;
  /** The server where it is connected, the fault elsewhere; empty: none was given. */
  readonly cause: string;
}

interface LinkContext {
  /** Milliseconds since 1970. */
  readonly since: number;
  /** The broker at the other end, while connected. */
  readonly server: string | null;
  /** The reason why there is no connection. */
  readonly fault: string | null;
}

/** The shape of a transport's status. */
export interface LinkReport {
  readonly state: LinkEvent["type"];
  readonly server?: string;
  readonly fault?: string;
}

/** The event of a status that the transport reported at `at`. */
export function linkEvent({ state, server = "", fault = "" }: LinkReport, at: number): LinkEvent {
  return { type: state, at, cause: state === "connected" ? server : fault };
}

export const linkMachine = setup({
  types: { context: {} as LinkContext, events: {} as LinkEvent, input: {} as { readonly at: number } },
  actions: {
    connect: assign(({ event }) => ({ since: event.at, server: event.cause, fault: null })),
    lose: assign(({ event }) => ({ since: event.at, server: null, fault: event.cause === "" ? null : event.cause })),
    noteFault: assign(({ context, event }) => ({ fault: event.cause === "" ? context.fault : event.cause })),
    noteServer: assign(({ event }) => ({ server: event.cause })),
  },
}).createMachine({
  id: "link",
  initial: "connecting",
  context: ({ input }) => ({ since: input.at, server: null, fault: null }),
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
