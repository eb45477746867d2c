import { appendFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { checkObject } from "./check.ts";
import { defineMethod, type Method } from "./define.ts";

/** A failure somewhere in the fleet, as its node reports it. */
export interface Failure {
  readonly at: number;
  readonly code: string;
  readonly text: string;
}

/** Keeps the failures of every node at central, one file a node, and raises an alert. */
export function errorlog(raised: (origin: string, failure: Failure) => void): Method {
  return defineMethod({
    name: "errorlog",
    summary: "Failures of the nodes, one file for each of them.",
    event: {
      check: (data) => checkObject(data, { at: "number", code: "string", text: "string" }),
      async handle(batch, { origin, directory, domain }) {
        const failures = batch.map(({ data }) => data as unknown as Failure);
        await mkdir(directory, { recursive: true });
        const lines = failures.map(
          ({ at, code, text }) => `${new Date(at).toISOString()} ${domain} ${code} ${text.replaceAll("\n", " ")}\n`,
        );
        await appendFile(join(directory, `${origin}.log`), lines.join(""));
        for (const failure of failures) raised(origin, failure);
        return undefined;
      },
    },
  });
}
