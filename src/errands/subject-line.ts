import type { Errand } from "../message/care/errand.ts";
import { printableLine, shortened } from "../message/text/printable.ts";

/** One line that says what an errand is about. */
export function subjectLine({ about, body }: Pick<Errand, "about" | "body">): string {
  const { text, node, state, summary } = body;
  const line = about === "alert" ? String(text) : `${String(node)}: ${String(summary)} ${String(state)}`;
  return shortened(printableLine(line), 200);
}
