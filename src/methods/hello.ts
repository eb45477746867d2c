import { type Checked, checkObject } from "./check.ts";
import { defineMethod, type Method } from "./define.ts";

/** What a node says of itself at each hello. */
export interface Hello {
  readonly version: string;
  /** Identity of its journal. */
  readonly epoch: string;
  /** When its daemon started, and the time now, ms by its own clock. */
  readonly startedAt: number;
  readonly now: number;
  readonly storage: "ok" | "low" | "full";
  readonly methods: readonly string[];
  /** Interval to its next hello, ms. */
  readonly every: number;
}

const HELLO: Checked = {
  version: "string",
  epoch: "string",
  startedAt: "number",
  now: "number",
  storage: ["ok", "low", "full"],
  methods: "strings",
  every: "number",
};

/** "I am here, and this is what I am": presence, so it is neither journalled nor sent again. */
export function hello(heard: (origin: string, hello: Hello) => void): Method {
  return defineMethod({
    name: "hello",
    summary: "A node says that it is there, at each interval and when it starts.",
    event: {
      transient: true,
      check: (data) => checkObject(data, HELLO),
      async handle(batch, { origin }) {
        for (const { data } of batch) heard(origin, data as unknown as Hello);
        return undefined;
      },
    },
  });
}
