import { normalise } from "../../message/errors.ts";
import { systemClock } from "../../platform/system-clock.ts";
import { checkOffline } from "../offline.ts";
import type { Said } from "./check-process.ts";

/** The program that `apart.ts` starts: `main.js JOURNAL SCRATCH`. The process sends its answer to its parent and ends. */
const [path = "", scratch = ""] = process.argv.slice(2);

const say = (said: Said): Promise<void> =>
  new Promise((resolve) => {
    if (process.send === undefined) resolve();
    else process.send(said, () => resolve());
  });

try {
  const checked = await checkOffline(path, { clock: systemClock, scratch, onRows: (rows) => void say({ rows }) });
  await say({ checked });
} catch (thrown) {
  const { code, details } = normalise(thrown);
  await say({ code, details });
}
if (process.connected) process.disconnect();
