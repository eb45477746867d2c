import { type Expression, eachLeaf, parseExpression } from "./expression.ts";
import { TargetFault } from "./tokens.ts";

/**
 * The fault of an expression that bounds what people may do; `undefined`: there is none. Names, groups and labels given at
 * central count for it: states change by themselves, and facts are the node's own word.
 */
export function boundFault(on: string): string | undefined {
  let expression: Expression;
  try {
    expression = parseExpression(on);
  } catch (error) {
    if (error instanceof TargetFault) return error.message;
    throw error;
  }
  let fault: string | undefined;
  const look = (one: Expression): void =>
    eachLeaf(one, (leaf) => {
      if (leaf.kind === "state" && leaf.word !== "all" && leaf.word !== "self")
        fault ??= `${leaf.word} changes with each moment: write labels that are given at central, names or groups`;
    });
  look(expression);
  return fault;
}
