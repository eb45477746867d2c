import { receiverOf } from "../../src/message/subject.ts";
import type { Script, Step } from "./script.ts";

/**
 * Makes a failing script shorter while it fails in the same way: whole stretches of steps (delta debugging), then nodes,
 * then what single steps do. `fails` is asked at most `budget` times.
 */
export async function shrink(
  script: Script,
  fails: (script: Script) => Promise<boolean>,
  budget = 400,
): Promise<Script> {
  let left = budget;
  let best = script;
  const tries = async (candidate: Script): Promise<boolean> => {
    if (left-- <= 0 || !(await fails(candidate))) return false;
    best = candidate;
    return true;
  };
  for (let before = -1; before !== size(best) && left > 0; ) {
    before = size(best);
    await dropSteps();
    await dropNodes();
    await joinWaits();
    await simplifySteps();
  }
  return best;

  async function dropSteps(): Promise<void> {
    for (let stretch = Math.ceil(best.steps.length / 2); stretch >= 1; stretch = Math.floor(stretch / 2)) {
      // From the end: what comes late depends on what came before, seldom the other way round.
      for (let at = best.steps.length - stretch; at > -stretch; at -= stretch) {
        const from = Math.max(0, at);
        const steps = [...best.steps.slice(0, from), ...best.steps.slice(at + stretch)];
        if (steps.length < best.steps.length) await tries({ ...best, steps });
      }
    }
  }

  async function dropNodes(): Promise<void> {
    for (const node of best.nodes) {
      if (best.nodes.length === 1) return;
      const nodes = best.nodes.filter((other) => other !== node);
      await tries({ ...best, nodes, steps: best.steps.filter((step) => !concerns(step, node)) });
    }
  }

  async function joinWaits(): Promise<void> {
    for (let at = 0; at < best.steps.length - 1; at++) {
      const [step, next] = best.steps.slice(at, at + 2);
      if (step?.do !== "wait" || next?.do !== "wait") continue;
      const joined: Step = { do: "wait", ms: step.ms + next.ms };
      if (await tries({ ...best, steps: best.steps.toSpliced(at, 2, joined) })) at--;
    }
  }

  async function simplifySteps(): Promise<void> {
    for (let at = 0; at < best.steps.length; at++) {
      const step = best.steps[at];
      if (step === undefined) continue;
      for (const simpler of simplerThan(step)) {
        if (await tries({ ...best, steps: best.steps.with(at, simpler) })) break;
      }
    }
  }
}

function concerns(step: Step, node: string): boolean {
  if (step.do === "send")
    return step.from === node || step.messages.some(({ subject }) => receiverOf(subject) === node);
  if (step.do === "job") return step.to.includes(node);
  return "node" in step && step.node === node;
}

function* simplerThan(step: Step): Generator<Step> {
  if (step.do === "send" && step.messages.length > 1) {
    yield { ...step, messages: step.messages.slice(0, 1) };
    yield { ...step, messages: step.messages.slice(0, Math.ceil(step.messages.length / 2)) };
  }
  if (step.do === "job") {
    const { subject, data, ...plan } = step.order;
    for (const key of Object.keys(plan)) {
      const { [key as keyof typeof plan]: _without, ...rest } = plan;
      yield { ...step, order: { subject, data, ...rest } };
    }
    if (Object.keys(data as object).length > 0) yield { ...step, order: { ...step.order, data: {} } };
    for (const node of step.to.length > 1 ? step.to : []) yield { ...step, to: step.to.filter((to) => to !== node) };
  }
  if (step.do === "wait" && step.ms > 1) {
    const round = 10 ** Math.floor(Math.log10(step.ms));
    if (round < step.ms) yield { ...step, ms: round };
    yield { ...step, ms: Math.floor(step.ms / 2) };
  }
  if (step.do === "crash" && (step.nth ?? 1) > 1) {
    yield { ...step, nth: 1 };
    yield { ...step, nth: (step.nth ?? 1) - 1 };
  }
}

/** What shrinking makes smaller. */
function size({ steps, nodes }: Script): number {
  return JSON.stringify(steps).length + nodes.length;
}
