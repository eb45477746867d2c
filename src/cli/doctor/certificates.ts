import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Config } from "../../config/config.ts";
import { fileFault } from "../../message/errors.ts";
import { span } from "../../message/text/figures.ts";
import { isoTime } from "../render/time.ts";
import type { Finding } from "./finding.ts";

/** The time before its end from which a certificate is warned of, ms. */
const SOON = 14 * 86_400_000;

/** The certificates that this node shows, and until when each of them holds. */
export async function certificates({ broker, page }: Pick<Config, "broker" | "page">, now: number): Promise<Finding[]> {
  const files = [
    ["of the broker", broker.embedded?.tls?.cert],
    ["of this node at the broker", broker.tls?.cert],
    ["of the page", page.tls?.certificate],
  ] as const;
  const shown = files.flatMap(([whose, file]) => (file === undefined ? [] : [finding(whose, file, now)]));
  return await Promise.all(shown);
}

async function finding(whose: string, file: string, now: number): Promise<Finding> {
  const check = "certificate";
  const remedy = `Put a newer certificate in its place, then restart the daemon.`;
  try {
    const ends = Date.parse(new X509Certificate(await readFile(file)).validTo);
    const left = ends - now;
    const text = `that ${whose}, ${file}, ${left > 0 ? "holds until" : "has expired at"} ${isoTime(ends)}`;
    if (left > SOON) return { check, verdict: "ok", text };
    if (left > 0) return { check, verdict: "warn", text: `${text}, for ${span(left)} more`, remedy };
    return { check, verdict: "fail", text: `${text}: connections are refused`, remedy };
  } catch (error) {
    const text = `that ${whose}, ${file}, cannot be read: ${fileFault(error)}`;
    return { check, verdict: "fail", text, remedy: "Correct the path in steward.yaml, or the mode of the file." };
  }
}
