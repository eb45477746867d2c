import { wildcardMatches } from "../../message/text/wildcard.ts";

/** True if one of an operator's methods, `<method>` or `<method>.<domain>` with stars, is that of a subject. */
export function isOfMethods(methods: readonly string[], method: string, domain: string): boolean {
  return methods.some((each) => {
    const [ofMethod = "", ofDomain = "*"] = each.split(".");
    return wildcardMatches(ofMethod, method) && wildcardMatches(ofDomain, domain);
  });
}
