import { faultText } from "../../message/errors.ts";
import { kindOf, parseSubject } from "../../message/subject.ts";
import type { MayAnswer, MayQuestion } from "../../methods/may.ts";
import type { Permission } from "../../security/policy/permission.ts";
import type { Routes } from "./routes.ts";

/** Answers whether a message would be taken here, and by which line of the policy: the same decision, without a message. */
export function explain(
  node: string,
  { routes, permission }: { readonly routes: Pick<Routes, "method">; readonly permission: Pick<Permission, "explain"> },
  { origin, operator, subject: tail, data }: MayQuestion,
): MayAnswer {
  const subject = `${node}.${tail}`;
  const { method: name } = parseSubject(subject);
  const method = routes.method(name);
  const refused = (fault: string): MayAnswer => ({
    allowed: false,
    words: [{ allowed: false, layer: `the method ${name}`, where: `the method ${name}`, fault }],
  });
  if (method?.[kindOf(subject)] === undefined) return refused(`${node} has no such method for ${kindOf(subject)}s`);
  try {
    return permission.explain({ origin, operator }, subject, data, method);
  } catch (error) {
    // The check of the method throws plain errors for data that it does not take.
    return refused(faultText(error));
  }
}
