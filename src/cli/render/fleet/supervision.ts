import { span } from "../../../message/text/figures.ts";
import type { SupervisionView } from "../../../runtime/operate/table/processes.ts";
import type { Paint } from "../paint.ts";
import { childState } from "../states.ts";
import { counted, visible } from "../text.ts";
import type { Times } from "../time.ts";

type Supervisor = SupervisionView["supervisors"][number];

const STRATEGIES: Readonly<Record<Supervisor["strategy"], string>> = {
  oneForOne: "one for one",
  oneForAll: "one for all",
  restForOne: "rest for one",
};

/** The supervision tree, a line for each supervisor and each child. */
export function supervisionLines({ supervisors }: SupervisionView, times: Times, paint: Paint): string[] {
  const root = supervisors.find(({ parent }) => parent === null);
  return root === undefined ? [] : branchLines(root, supervisors, "", times, paint);
}

function branchLines(
  supervisor: Supervisor,
  all: readonly Supervisor[],
  indent: string,
  times: Times,
  paint: Paint,
): string[] {
  const { id, strategy, onGiveUp, intensity, period, children, left } = supervisor;
  const rule = `${STRATEGIES[strategy]}, ${counted(intensity, "restart")} within ${span(period)}, then ${onGiveUp}`;
  const lines = [`${indent}${paint("bold", visible(id))}  ${paint("dim", rule)}`];
  for (const child of children) {
    const restarts = child.restarts === 0 ? "" : `  ${counted(child.restarts, "restart")}`;
    const fault = child.lastError === undefined ? "" : `  ${visible(child.lastError)}`;
    const since = paint("dim", times.since(child.since));
    lines.push(`${indent}  ${childState(child.state, paint)}  ${visible(child.id)}  ${since}${restarts}${fault}`);
    const below = all.find((one) => one.parent === id && one.id === child.id);
    if (below !== undefined) lines.push(...branchLines(below, all, `${indent}    `, times, paint));
  }
  if (left > 0) lines.push(`${indent}  ${paint("dim", `and ${left} more, which run and were never restarted`)}`);
  return lines;
}
