import { type ComponentChild, render } from "preact";
import { onTestFinished, vi } from "vitest";
import { go } from "../../src/dashboard/store/router.ts";
import { theStore } from "../../src/dashboard/store/store.ts";
import { settled } from "./fake-time.ts";
import { installLittleDom, type LittleElement, root } from "./little-dom.ts";

/** A request as the page made it. */
interface Asked {
  readonly route: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
}

/** An answer, or its making; one that throws a `Refused` is a failure of the daemon. */
type Answer = unknown | ((asked: Asked) => unknown);

export class Refused {
  readonly status: number;
  readonly error: { readonly code: string; readonly message: string; readonly remedy: string };

  constructor(status: number, code: string, message: string, remedy = "") {
    this.status = status;
    this.error = { code, message, remedy };
  }
}

const ALWAYS: Readonly<Record<string, Answer>> = {
  "GET /session": { by: "ann", role: "admin", csrf: "c", node: "central", version: "1" },
  "GET /v1/nodes": [],
  "GET /v1/transitions": [],
};

/** The longest time that passes before answers that came meanwhile are read, ms. */
const SLICE = 50;

/** A part of the page as a reader has it: over answers that a test gives, without a browser and without a daemon. */
export async function openRoom(
  url: string,
  view: ComponentChild,
  answers: Readonly<Record<string, Answer>>,
): Promise<{ readonly shown: LittleElement; readonly asked: Asked[]; pass(ms: number): Promise<void> }> {
  // One time for all the rooms of a file, as there is one store: a timer of the room before is not lost.
  if (!vi.isFakeTimers()) vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  installLittleDom();
  const asked: Asked[] = [];
  const all = { ...ALWAYS, ...answers };
  globalThis.fetch = (input, init = {}) => {
    const [path = "", query = ""] = String(input).split("?");
    const one = {
      route: `${init.method ?? "GET"} ${path}`,
      query: new URLSearchParams(query),
      body: init.body === undefined ? undefined : JSON.parse(String(init.body)),
    };
    asked.push(one);
    return answerOf(all, one);
  };
  go(url);
  // The store is one for all the rooms of a file: each reads its nodes anew.
  await theStore().nodes.readAll();
  render(view, root as unknown as Element);
  onTestFinished(() => render(null, root as unknown as Element));
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += SLICE) {
      await vi.advanceTimersByTimeAsync(Math.min(SLICE, ms - passed));
      await settled();
    }
  };
  await pass(1_200);
  return { shown: root, asked, pass };
}

function answerOf(answers: Readonly<Record<string, Answer>>, asked: Asked): Promise<Response> {
  // A stream that is open, and questions that are never answered.
  if (asked.route === "GET /v1/events") return Promise.resolve(new Response(new ReadableStream()));
  const answer = answers[asked.route];
  if (answer === undefined) return new Promise(() => undefined);
  try {
    const value = typeof answer === "function" ? (answer as (asked: Asked) => unknown)(asked) : answer;
    return Promise.resolve(new Response(JSON.stringify(value), { status: 200 }));
  } catch (thrown) {
    if (!(thrown instanceof Refused)) throw thrown;
    return Promise.resolve(new Response(JSON.stringify({ error: thrown.error }), { status: thrown.status }));
  }
}
