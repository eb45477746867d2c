/**
 * `steward up` with an envelope that refuses what the file `doubts` beside steward.yaml names: "frames", "acks" or both.
 * Started as `node doubting-daemon.mjs NODE MAIN --config FILE up`, so that it can stand before the words of a daemon.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

const [main = "", , file = ""] = process.argv.slice(3);
const dist = join(dirname(main), "..");
const [{ startDaemon }, { loadConfig }, { StewardError }, { ClearEnvelope }] = await Promise.all(
  [
    join(dist, "runtime/daemon/daemon.js"),
    join(dist, "config/load.js"),
    join(dist, "message/errors.js"),
    join(dist, "security/seal/clear-envelope.js"),
  ].map((path) => import(pathToFileURL(path).href)),
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

class DoubtingEnvelope extends ClearEnvelope {
  open(subject, payload) {
    const opened = super.open(subject, payload);
    if (opened.kind === "frame") insistNoDoubt("frames", opened.frame.origin);
    if (opened.kind === "ack") insistNoDoubt("acks", opened.ack.node);
    return opened;
  }
}

const daemon = await startDaemon({ config: loadConfig(file), parts: { envelope: new DoubtingEnvelope() } });
process.once("SIGTERM", () => void daemon.stop());
await daemon.ended;
