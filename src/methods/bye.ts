import { checkObject } from "./check.ts";
import { defineMethod, type Method } from "./define.ts";

/** Characters of the reason that are kept. */
const LONGEST = 200;

/** A node says that it stops on purpose, so that its silence is no alarm. */
export function bye(links: { bye(origin: string, reason: string): void }): Method {
  return defineMethod({
    name: "bye",
    summary: "A node says that it stops, and why.",
    event: {
      transient: true,
      check: (data) => checkObject(data, { reason: "string" }),
      async handle(batch, { origin }) {
        for (const { data } of batch) links.bye(origin, (data as { reason: string }).reason.slice(0, LONGEST));
        return undefined;
      },
    },
  });
}
