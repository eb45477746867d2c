import { initialTransition, transition } from "xstate";
import { type NodeEvent, nodeMachine, type Region } from "./node.ts";

/** The states of all regions of a node. */
export type NodeValue = ReturnType<typeof nodeMachine.getInitialSnapshot>["value"];

/** A step of a node: its next state, the regions that changed, and whether the event is the reason of the present link. */
interface Step {
  readonly to: NodeState;
  readonly changed: readonly Region[];
  readonly isReason: boolean;
}

/**
 * A state of `nodeMachine`, one object for all nodes that are in it. The machine decides on each event once for each state and
 * is remembered: a fleet that comes back brings tens of thousands of events in a second, and an actor for each node would cost
 * ten times the memory of everything else that is known of it.
 */
export class NodeState {
  static readonly #all = new Map<string, NodeState>();
  static #first: NodeState | undefined;
  readonly value: NodeValue;
  readonly #steps = new Map<string, Step>();

  private constructor(value: NodeValue) {
    this.value = Object.freeze(value);
  }

  static of(value: NodeValue): NodeState {
    const { link, session, work, trust, storage } = value;
    const key = `${link} ${session} ${work} ${trust} ${storage}`;
    let state = NodeState.#all.get(key);
    if (state === undefined) {
      state = new NodeState({ link, session, work, trust, storage });
      NodeState.#all.set(key, state);
    }
    return state;
  }

  /** The state of a node that was never heard of. */
  static get first(): NodeState {
    NodeState.#first ??= NodeState.of(initialTransition(nodeMachine, { name: "", at: 0 })[0].value);
    return NodeState.#first;
  }

  after(event: NodeEvent): Step {
    const key = event.type === "hello" ? `hello ${event.storage} ${event.anew}` : event.type;
    let step = this.#steps.get(key);
    if (step === undefined) {
      step = this.#decided(event);
      this.#steps.set(key, step);
    }
    return step;
  }

  #decided(event: NodeEvent): Step {
    const context = { name: "", linkSince: Number.NEGATIVE_INFINITY, linkCause: "" };
    const [next] = transition(nodeMachine, nodeMachine.resolveState({ value: this.value, context }), event);
    const to = NodeState.of(next.value);
    const regions = Object.keys(to.value) as Region[];
    return {
      to,
      changed: regions.filter((region) => to.value[region] !== this.value[region]),
      isReason: next.context.linkSince === event.at,
    };
  }
}
