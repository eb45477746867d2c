import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ChildSpec, Strategy, SupervisorSpec } from "../../../src/actors/supervisor/spec.ts";
import type { Supervisor } from "../../../src/actors/supervisor/supervisor.ts";
import { supervisorChild } from "./child.ts";
import { Scene } from "./scene.ts";

/**
 * Random trees of supervisors and random histories, against a model of a few lines that knows no time, no promises and
 * no order: only who should be alive. Time stands still, so that no restart ever leaves a window.
 */
interface Plan {
  readonly id: string;
  readonly restart: ChildSpec["restart"];
  readonly inner?: Omit<SupervisorSpec, "children" | "id"> & { readonly plans: readonly Plan[] };
}

class Node {
  readonly plan: Plan;
  readonly parent: Node | undefined;
  children: Node[] = [];
  up = true;
  parked = false;
  count = 0;

  constructor(plan: Plan, parent?: Node) {
    this.plan = plan;
    this.parent = parent;
    this.fresh();
  }

  fresh(): void {
    this.up = true;
    this.parked = false;
    if (this.plan.inner === undefined) return;
    this.count = 0;
    this.children = this.plan.inner.plans.map((plan) => new Node(plan, this));
  }

  leaves(): Node[] {
    if (!this.up) return [];
    return this.plan.inner === undefined ? [this] : this.children.flatMap((child) => child.leaves());
  }

  /** This one ended by itself. */
  exits(failed: boolean): void {
    const sup = this.parent;
    if (sup?.plan.inner === undefined) {
      this.up = false;
      return;
    }
    const { strategy, intensity, onGiveUp } = sup.plan.inner;
    const { restart } = this.plan;
    if (restart === "temporary") sup.children = sup.children.filter((one) => one !== this);
    if (restart === "temporary" || (restart === "transient" && !failed)) {
      this.up = false;
      return;
    }
    const at = sup.children.indexOf(this);
    const group = sup.children.filter((one, i) => one !== this && one.up && i >= from(strategy, at));
    const holder = onGiveUp === "escalate" ? sup : this;
    if (onGiveUp === "quarantine") this.own++;
    else sup.count++;
    if ((holder === this ? this.own : sup.count) <= intensity) {
      for (const one of [this, ...group]) {
        if (one !== this && one.plan.restart === "temporary")
          sup.children = sup.children.filter((other) => other !== one);
        else one.fresh();
      }
    } else if (onGiveUp === "escalate") {
      sup.exits(true);
    } else {
      for (const one of [this, ...group]) {
        one.up = false;
        one.parked = one === this || one.plan.restart !== "temporary";
        if (!one.parked) sup.children = sup.children.filter((other) => other !== one);
      }
    }
  }

  /** Restarts counted on this one's own account, under quarantine. */
  own = 0;

  revive(): void {
    const sup = this.parent;
    if (sup?.plan.inner === undefined || !this.parked) return;
    const at = sup.children.indexOf(this);
    const along = sup.children.filter((one, i) => one.parked && i >= from(sup.plan.inner?.strategy, at));
    for (const one of new Set([this, ...along])) {
      one.own = 0;
      one.fresh();
    }
  }
}

function from(strategy: Strategy | undefined, at: number): number {
  if (strategy === "oneForAll") return 0;
  return strategy === "restForOne" ? at + 1 : Number.POSITIVE_INFINITY;
}

const restart = fc.constantFrom<ChildSpec["restart"][]>("permanent", "permanent", "transient", "temporary");
const innerRule = fc.record({
  strategy: fc.constantFrom<Strategy[]>("oneForOne", "oneForAll", "restForOne"),
  intensity: fc.integer({ min: 0, max: 3 }),
  period: fc.constant(1_000),
  onGiveUp: fc.constantFrom<SupervisorSpec["onGiveUp"][]>("escalate", "quarantine"),
});

type Shape = { restart: ChildSpec["restart"]; inner?: Omit<SupervisorSpec, "children" | "id"> & { shapes: Shape[] } };
const { tree } = fc.letrec<{ tree: Shape; leaf: Shape }>((tie) => ({
  leaf: fc.record({ restart }),
  tree: fc.record({
    restart,
    inner: fc
      .tuple(
        innerRule,
        fc.array(fc.oneof({ maxDepth: 3 }, tie("leaf"), tie("leaf"), tie("tree")), { minLength: 1, maxLength: 4 }),
      )
      .map(([rule, shapes]) => ({ ...rule, shapes })),
  }),
}));

function named(shape: Shape, id: string): Plan {
  if (shape.inner === undefined) return { id, restart: shape.restart };
  const { shapes, ...rule } = shape.inner;
  return { id, restart: shape.restart, inner: { ...rule, plans: shapes.map((one, i) => named(one, `${id}.${i}`)) } };
}

type Act = { kind: "crash" | "end" | "stop" | "start" | "restart" | "revive" | "remove" | "add"; pick: number };
const acts = fc.array(
  fc.record({
    kind: fc.constantFrom<Act["kind"][]>(
      "crash",
      "crash",
      "crash",
      "end",
      "stop",
      "start",
      "restart",
      "revive",
      "remove",
      "add",
    ),
    pick: fc.nat(1_000),
  }),
  { maxLength: 30 },
);

class Tree {
  readonly scene = new Scene();
  /** The supervisor that is there now, by id. */
  readonly supervisors = new Map<string, Supervisor>();
  readonly root: Supervisor;
  #added = 0;

  constructor(plan: Plan) {
    const spec = this.#spec(plan);
    this.root = this.scene.supervisor(spec);
    this.supervisors.set(plan.id, this.root);
  }

  async act({ kind, pick }: Act, model: Node): Promise<void> {
    const { scene } = this;
    const leaves = model.leaves();
    if (kind === "crash" || kind === "end") {
      const leaf = leaves[pick % Math.max(1, leaves.length)];
      if (leaf === undefined) return;
      await (kind === "crash" ? scene.crash(leaf.plan.id) : scene.end(leaf.plan.id, "normal"));
      leaf.exits(kind === "crash");
      return;
    }
    const supervised = all(model).filter((node) => node.plan.inner !== undefined);
    const sup = supervised[pick % Math.max(1, supervised.length)];
    const real = this.supervisors.get(sup?.plan.id ?? "");
    if (sup === undefined || real === undefined) return;
    if (kind === "add") {
      const plan: Plan = { id: `${sup.plan.id}.added${this.#added++}`, restart: "transient" };
      await real.addChild(this.#child(plan));
      sup.children.push(new Node(plan, sup));
      return;
    }
    const child = sup.children[(pick >> 3) % Math.max(1, sup.children.length)];
    if (child === undefined) return;
    const { id } = child.plan;
    const forget = () => {
      sup.children = sup.children.filter((one) => one !== child);
    };
    if (kind === "stop") {
      await real.stopChild(id);
      child.up = false;
      child.parked = false;
      if (child.plan.restart === "temporary") forget();
    } else if (kind === "remove") {
      await real.removeChild(id);
      forget();
    } else if (kind === "revive") {
      await real.revive(id);
      child.revive();
    } else {
      await (kind === "start" ? real.startChild(id) : real.restartChild(id));
      if (child.parked) child.revive();
      else if (kind === "restart" || !child.up) child.fresh();
    }
    await scene.clock.advance(0);
  }

  #spec({ id, inner }: Plan): SupervisorSpec {
    if (inner === undefined) throw new Error(`${id} supervises nothing`);
    const { plans, ...rule } = inner;
    return { id, ...rule, children: plans.map((plan) => this.#child(plan)) };
  }

  #child(plan: Plan): ChildSpec {
    const { restart } = plan;
    if (plan.inner === undefined) return this.scene.child(plan.id, { restart });
    const onStart = (supervisor: Supervisor) => this.supervisors.set(plan.id, supervisor);
    return supervisorChild(this.#spec(plan), this.scene.context, { restart, onStart });
  }
}

/** A node and what is below it, as far as it is up. */
function all(node: Node): Node[] {
  return node.up ? [node, ...node.children.flatMap(all)] : [];
}

describe("a tree of supervisors", () => {
  it("has alive exactly what its model has, after any history, and leaves no orphan", async () => {
    await fc.assert(
      fc.asyncProperty(tree, acts, async (shape, history) => {
        const plan = named(shape, "r");
        const model = new Node(plan);
        const real = new Tree(plan);
        await real.root.start();
        for (const act of history) {
          if (!model.up) break;
          await real.act(act, model);
          const expected = model.leaves().map((leaf) => leaf.plan.id);
          expect(real.scene.alive(), JSON.stringify(act)).toEqual(expected.sort());
        }
        const exit = model.up ? "shutdown" : "failed";
        await real.root.stop();
        expect((await real.root.ended).reason).toBe(exit);
        expect(real.scene.alive()).toEqual([]);
        expect(real.scene.clock.armed).toBe(0);
        expect(real.scene.kinds().filter((kind) => kind.startsWith("shutdownError"))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it("leaves no orphan, no timer and no caller without an answer, whatever its children do and whenever it is asked", async () => {
    const flaky = fc.record({
      starts: fc.array(fc.constantFrom<("ok" | "fail" | "hang")[]>("ok", "ok", "fail", "hang"), { maxLength: 6 }),
      onStop: fc.constantFrom<("end" | "hang" | "reject" | "throw" | "fail")[]>(
        "end",
        "hang",
        "reject",
        "throw",
        "fail",
      ),
      shutdown: fc.constantFrom<ChildSpec["shutdown"][]>(0, 50, "brutal"),
      restart,
    });
    const moment = fc.record({
      act: fc.constantFrom("crash", "stop", "start", "restart", "revive", "remove", "release", "advance"),
      pick: fc.nat(1_000),
    });
    await fc.assert(
      fc.asyncProperty(innerRule, fc.array(flaky, { maxLength: 5 }), fc.array(moment), async (rule, wilds, moments) => {
        const scene = new Scene();
        const ids = wilds.map((_, i) => `c${i}`);
        const backoff = { min: 10, max: 100, factor: 2, jitter: 0.5, resetAfter: 500 };
        const children = wilds.map((wild, i) =>
          scene.child(`c${i}`, { shutdown: wild.shutdown, restart: wild.restart, startTimeout: 70, backoff }, wild),
        );
        const sup = scene.supervisor({ ...rule, children });
        const asked: Promise<unknown>[] = [sup.start()];
        asked[0]?.catch(() => undefined);
        for (const { act, pick } of moments) {
          const id = ids[pick % Math.max(1, ids.length)] ?? "none";
          if (act === "crash") scene.live.get(id)?.at(-1)?.crash();
          else if (act === "release") scene.release(id);
          else if (act === "advance") await scene.clock.advance(pick % 120);
          else if (act === "stop") asked.push(sup.stopChild(id));
          else if (act === "start") asked.push(sup.startChild(id));
          else if (act === "restart") asked.push(sup.restartChild(id));
          else if (act === "revive") asked.push(sup.revive(id));
          else asked.push(sup.removeChild(id));
          // Some are refused, which is as it should be; none may stay without an answer.
          asked.at(-1)?.catch(() => undefined);
        }
        const stopped = sup.stop();
        await scene.clock.advance(10_000);
        await stopped;
        for (const id of ids) scene.release(id);
        await scene.clock.advance(10_000);
        await Promise.allSettled(asked);
        expect(scene.alive()).toEqual([]);
        expect(scene.clock.armed).toBe(0);
        expect(sup.children().every((child) => child.state === "stopped")).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
