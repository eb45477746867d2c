import { StewardError } from "../../../message/errors.ts";
import { type OperatorDirectory, speakerOf } from "../../../security/operators/directory.ts";
import { hasRole, type Speaker } from "../../../security/operators/speaker.ts";
import type { Session } from "../../../security/sessions/sessions.ts";
import { type SocketIdentityOptions, socketSpeaker } from "./identify.ts";

/**
 * The speaker that a session stands for, as it is now: an operator who was removed, or has another key or role since, is that
 * at the next request. The role is never greater than that of the session.
 */
export class SessionIdentity {
  readonly #config: SocketIdentityOptions["config"];
  readonly #operators: Pick<OperatorDirectory, "named">;

  constructor({ config, operators }: Pick<SocketIdentityOptions, "config" | "operators">) {
    this.#config = config;
    this.#operators = operators;
  }

  /** @throws StewardError `operator-removed` */
  speakerOf({ kind, role, speaker }: Pick<Session, "kind" | "role" | "speaker">): Speaker {
    const by = kind === "page" ? "session" : "token";
    const now = { ...this.#now(speaker, by), by } as const;
    return hasRole(now, role) ? { ...now, role } : now;
  }

  #now({ operator, key }: Speaker, by: "session" | "token"): Speaker {
    const config = this.#config();
    if (operator === undefined) return socketSpeaker(config);
    const record = this.#operators.named(operator);
    // A thief of the key, for whom it was changed, keeps no login.
    if (record?.standing === "accepted" && record.key === key) return speakerOf(record, config.node, by);
    const { central } = config;
    const removed = record?.standing !== "accepted";
    const fault = removed ? "the operator was removed" : "the operator has another key since this login was made";
    throw new StewardError("operator-removed", { operator, fault, central });
  }
}
