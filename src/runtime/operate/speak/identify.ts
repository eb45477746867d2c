import type { Config } from "../../../config/config.ts";
import type { Clock } from "../../../message/clock.ts";
import { StewardError } from "../../../message/errors.ts";
import type { DaemonName } from "../../../security/operators/daemon-name.ts";
import { type OperatorDirectory, speakerOf } from "../../../security/operators/directory.ts";
import { RequestSignatures, SIGNATURE_HEADER } from "../../../security/operators/request-signature.ts";
import { LOCAL, type Speaker } from "../../../security/operators/speaker.ts";
import type { ApiRequest, Identified } from "./reception.ts";

export interface SocketIdentityOptions {
  readonly config: () => Pick<Config, "node" | "central" | "operators" | "socketAccess">;
  readonly operators: Pick<OperatorDirectory, "holder" | "formerHolder" | "named">;
  readonly clock: Pick<Clock, "now">;
  /** This daemon, as it is signed to. */
  readonly daemon: Pick<DaemonName, "name">;
}

/** The speaker of a request on the Unix socket: the operator who signed it, or without a signature the socket's own users. */
export class SocketIdentity {
  readonly #options: SocketIdentityOptions;
  readonly #signatures: RequestSignatures;

  constructor(options: SocketIdentityOptions) {
    this.#options = options;
    this.#signatures = new RequestSignatures(() => options.daemon.name, options.clock);
  }

  /** @throws StewardError `signature-refused`, `operator-unknown`, `operator-removed` */
  identify(request: ApiRequest): Identified {
    const header = request.header(SIGNATURE_HEADER);
    if (header === undefined) {
      const now = () => socketSpeaker(this.#options.config());
      return { speaker: now(), now };
    }
    const verified = this.#signatures.verify(header, request);
    if (typeof verified === "string") throw new StewardError("signature-refused", { fault: verified });
    const { key, digest } = verified;
    return { speaker: this.#holder(key), digest, now: () => this.#holder(key) };
  }

  #holder(key: string): Speaker {
    const { config, operators } = this.#options;
    const { node, central } = config();
    const record = operators.holder(key);
    if (record?.standing === "accepted") return speakerOf(record, node, "signature");
    const former = record ?? operators.formerHolder(key);
    if (former === undefined) throw new StewardError("operator-unknown", { key, central });
    const fault = former.standing === "removed" ? "the operator was removed" : "the operator has another key since";
    throw new StewardError("operator-removed", { operator: former.name, fault, central });
  }
}

/** The users of the socket, who say no name. A group that is let in gets a greater role only where the file says so. */
export function socketSpeaker({ operators, socketAccess }: Pick<Config, "operators" | "socketAccess">): Speaker {
  const role = operators.socket ?? (socketAccess === "group" ? "viewer" : "admin");
  return { name: LOCAL, role: role === "nobody" ? "anyone" : role, by: "socket" };
}
