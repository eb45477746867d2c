/**
 * `steward up` with a verifier that refuses what the file `doubts` beside steward.yaml names: "frames", "acks" or both.
 * Started as `node doubting-daemon.mjs NODE MAIN --config FILE up`, so that it can stand before the words of a daemon.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

const [main = "", , file = ""] = process.argv.slice(3);
const load = (name) => import(pathToFileURL(join(dirname(main), "..", name)).href);
const [{ startDaemon }, { loadConfig }, { StewardError }] = await Promise.all(
  ["runtime/daemon/daemon.js", "config/load.js", "message/errors.js"].map(load),
);

function insistNoDoubt(what, origin) {
  let doubts = "";
  try {
    doubts = readFileSync(join(dirname(file), "doubts"), "utf8");
  } catch {
    // No file, no doubts.
  }
  if (doubts.includes(what)) throw new StewardError("signature-invalid", { origin, fault: "it is doubted" });
}

const verifier = {
  frame: ({ origin }) => insistNoDoubt("frames", origin),
  ack: ({ node }) => insistNoDoubt("acks", node),
};
const daemon = await startDaemon({ config: loadConfig(file), parts: { verifier } });
process.once("SIGTERM", () => void daemon.stop());
await daemon.ended;
