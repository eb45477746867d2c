import type { Config } from "../../config/config.ts";
import { distributedPolicies } from "../../config/policy/distributed-rules.ts";
import type { Json } from "../../message/message.ts";
import type { Audit } from "../../security/audit/audit.ts";
import type { Permission } from "../../security/policy/permission.ts";
import type { OpenedTrust } from "../../security/trust/open-trust.ts";

export interface PoliciesOptions {
  /** Absent with `security: off`: there is no signature, so no node is held to a policy of another. */
  readonly membership: { readonly opened: OpenedTrust } | undefined;
  readonly permission: Pick<Permission, "hold">;
  readonly audit: Pick<Audit, "record">;
  readonly config: () => Config;
}

/** The way of central's policies: from its configuration into the trust lists that it signs, and from there into decisions. */
export class Policies {
  readonly #options: PoliciesOptions;
  readonly #end: (() => void) | undefined;
  #version: number | undefined;

  constructor(options: PoliciesOptions) {
    this.#options = options;
    const { membership } = options;
    if (membership?.opened.role === "edge") this.#end = membership.opened.trust.onChange(() => this.follow());
    this.follow();
  }

  /** Brings the policies up to the configuration of now, or to the trust list of now. */
  follow(): void {
    const { membership, permission, audit, config } = this.#options;
    if (membership === undefined) return;
    const { opened } = membership;
    if (opened.role === "edge") {
      const { version, policies } = opened.trust;
      if (version === this.#version) return;
      permission.hold(version, policies);
      if (this.#version !== undefined)
        audit.record({ what: "trust", by: config().central, allowed: true, version, policies: namesOf(policies) });
      this.#version = version;
      return;
    }
    const policies = JSON.parse(JSON.stringify(distributedPolicies(config()))) as Json[];
    if (JSON.stringify(policies) === JSON.stringify(opened.trust.policies)) return;
    opened.trust.setPolicies(policies);
    audit.record({ what: "policy", by: "the configuration", allowed: true, policies: namesOf(policies) });
  }

  end(): void {
    this.#end?.();
  }
}

function namesOf(policies: readonly Json[]): string[] {
  return policies.map((policy) =>
    typeof policy === "object" && policy !== null && "name" in policy ? String(policy.name).slice(0, 63) : "",
  );
}
