import { StewardError } from "../../message/errors.ts";
import { labelFault, labelKeyFault } from "../../message/target/labels.ts";

/** The words of `steward label` after the target: `key=value` gives a label, `key-` takes it back. @throws StewardError `label-invalid` */
export function labelWords(words: readonly string[]): Record<string, string | null> {
  const labels = new Map<string, string | null>();
  for (const word of words) {
    const cut = word.indexOf("=");
    const takesBack = cut < 0 && word.endsWith("-");
    if (cut < 0 && !takesBack)
      throw new StewardError("label-invalid", { fault: `${JSON.stringify(word)} is neither key=value nor key-` });
    const key = takesBack ? word.slice(0, -1) : word.slice(0, cut);
    const value = takesBack ? null : word.slice(cut + 1);
    const fault = value === null ? labelKeyFault(key) : labelFault(key, value);
    if (fault !== undefined) throw new StewardError("label-invalid", { fault });
    if (labels.has(key)) throw new StewardError("label-invalid", { fault: `label ${key} is named twice` });
    labels.set(key, value);
  }
  return Object.fromEntries(labels);
}
