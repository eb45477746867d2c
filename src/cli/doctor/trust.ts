import { lstatSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../../config/config.ts";
import { faultText, normalise } from "../../message/errors.ts";
import { actingUser } from "../../platform/host/owner.ts";
import { counted } from "../render/text.ts";
import type { Finding } from "./finding.ts";

/** The keys of this node and the file of whom it trusts, read as the daemon reads them. */
export async function trustAtRest({ data, node, central, security, centralKey }: Config): Promise<Finding[]> {
  if (security === "off") {
    const text = "security is off: whoever can publish at the broker is obeyed, and what travels can be read";
    return [
      {
        check: "security",
        verdict: "warn",
        text,
        remedy: "Set `security: sealed` in steward.yaml, and enrol the nodes.",
      },
    ];
  }
  try {
    if (lstatSync(join(data, "identity"), { throwIfNoEntry: false }) === undefined)
      return [{ check: "identity", verdict: "ok", text: "the keys of this node are made at the first start" }];
  } catch (error) {
    // A folder that this user may not look into may well hold the keys.
    const text = `it cannot be seen whether this node has its keys: ${faultText(error)}`;
    return [{ check: "identity", verdict: "warn", text, remedy: "Type it as root, or as the user of the daemon." }];
  }
  try {
    const { readIdentity } = await import("../../security/keys/identity-files.ts");
    const { fingerprint } = await import("../../security/keys/public-keys.ts");
    const identity = readIdentity(data, actingUser(data));
    const keys: Finding = { check: "identity", verdict: "ok", text: `fingerprint ${fingerprint(identity.keys)}` };
    return [keys, await (node === central ? registry() : list(identity))];

    async function registry(): Promise<Finding> {
      const { readRegistry, registryPath } = await import("../../security/trust/registry-file.ts");
      const state = readRegistry(registryPath(data), identity);
      const nodes = state?.nodes.filter(({ standing }) => standing === "accepted").length ?? 0;
      return { check: "trust", verdict: "ok", text: `the registry is sound: ${counted(nodes, "accepted node")}` };
    }

    async function list({ keys: own }: typeof identity): Promise<Finding> {
      const { readTrust, trustPath } = await import("../../security/trust/edge-trust.ts");
      const file = readTrust(trustPath(data), false);
      const version = file?.list?.body.version;
      if (version !== undefined)
        return { check: "trust", verdict: "ok", text: `enrolled at ${central}, trust list ${version}` };
      if (file?.join !== undefined || centralKey !== undefined) {
        const text = `not enrolled yet: ${node} introduces itself to ${central} when its daemon runs`;
        const remedy = `Without a token it waits for, at ${central}: steward accept ${node} --fingerprint ${fingerprint(own)}`;
        return { check: "trust", verdict: "warn", text, remedy };
      }
      const remedy = `At ${central}: steward invite ${node}; then here: steward join TOKEN`;
      return { check: "trust", verdict: "fail", text: `not enrolled, and no key of ${central} is pinned`, remedy };
    }
  } catch (thrown) {
    const { code, message, remedy, exit } = normalise(thrown);
    const check = code.startsWith("identity") ? "identity" : "trust";
    return [{ check, verdict: "fail", text: message, remedy, exit }];
  }
}
