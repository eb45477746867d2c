import type { Errand } from "../message/care/errand.ts";
import { printableLine, shortened } from "../message/text/printable.ts";

/** One line that says what an errand is about. */
export function subjectLine({ about, body }: Pick<Errand, "about" | "body">): string {
  const { text, node, state, summary } = body;
  const line = about === "outcome" ? `${String(node)}: ${String(summary)} ${String(state)}` : String(text);
  return shortened(printableLine(line), 200);
}
