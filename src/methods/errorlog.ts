import { appendFileSync, closeSync, constants } from "node:fs";
import type { Json } from "../message/message.ts";
import { holdFolder, openIn } from "../platform/names.ts";
import { checkObject } from "./check.ts";
import { defineMethod, type Method } from "./define.ts";
import { escapeControls } from "./syslog/text.ts";
import { waitForRoom } from "./wait-for-room.ts";

/** A failure somewhere in the fleet, as its node reports it. */
export interface Failure {
  readonly at: number;
  readonly code: string;
  readonly text: string;
  /** The key by which failures are the same one; absent: the code. */
  readonly about?: string;
  /** The cause is gone. */
  readonly over?: true;
}

function checkFailure(data: Json): void {
  checkObject(data, { at: "number", code: "string", text: "string" });
  const { at, about, over } = data as unknown as { at: number; about?: unknown; over?: unknown };
  if (about !== undefined && typeof about !== "string") throw new Error("about: expected a string");
  if (over !== undefined && over !== true) throw new Error("over: expected true");
  if (!(at >= 0 && at <= 8.64e15)) throw new Error("at: expected a time");
}

/** The text of another node on one line, since a line is one failure. */
function oneLine(text: string): string {
  return escapeControls(text.replaceAll("\n", " "));
}

/** Keeps the failures of every node at central, one file a node, and raises an alert. */
export function errorlog(alerts: { received(origin: string, failure: Failure): void }): Method {
  return defineMethod({
    name: "errorlog",
    summary: "Failures of the nodes, one file for each of them.",
    event: {
      check: checkFailure,
      async handle(batch, context) {
        const { origin, directory, domain } = context;
        const failures = batch.map(({ data }) => data as unknown as Failure);
        const lines = failures.map(
          ({ at, code, text, over }) =>
            `${new Date(at).toISOString()} ${domain} ${oneLine(code)} ${over === true ? "over: " : ""}${oneLine(text)}\n`,
        );
        await waitForRoom(context, directory, async () => append(directory, `${origin}.log`, lines.join("")));
        for (const failure of failures) alerts.received(origin, failure);
        return undefined;
      },
    },
  });
}

function append(directory: string, name: string, text: string): void {
  const folder = holdFolder(directory, []);
  try {
    const file = openIn(folder.path, name, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT);
    try {
      appendFileSync(file, text);
    } finally {
      closeSync(file);
    }
  } finally {
    folder.close();
  }
}
