import { type ErrorCode, EXIT, normalise, StewardError } from "../message/errors.ts";
import type { failure } from "../runtime/operate/table/daemon.ts";
import type { Shown } from "../runtime/operate/table/shape.ts";

/** How an error leaves the API: a status for programs, the catalogue's words for people. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  "message-too-large": 413,
  "config-invalid": 422,
  "config-unreadable": 422,
  "method-unknown": 404,
  "node-unknown": 404,
  "message-unknown": 404,
  "process-unknown": 404,
  "dead-letter-unknown": 404,
  "message-ambiguous": 409,
  "subject-not-subscribed": 422,
  "permission-denied": 403,
  "approval-unnamed": 403,
  "approval-own": 403,
  "approval-none": 409,
  "operator-absent": 404,
  "operator-exists": 409,
  "operator-key-differs": 409,
  "login-needed": 401,
  "cross-site-refused": 403,
  "socket-only": 403,
  "host-refused": 421,
  "logins-refused": 429,
  "login-unknown": 404,
  "sessions-full": 409,
  "page-off": 409,
  "role-denied": 403,
  "reach-denied": 403,
  "signature-refused": 401,
  "operator-unknown": 401,
  "operator-removed": 401,
  "data-invalid": 400,
  "deadline-passed": 422,
  "broker-unreachable": 503,
  "broker-denied": 503,
  "broker-auth": 503,
  "journal-full": 507,
  "journal-disk-full": 507,
  "journal-failed": 503,
  "already-running": 409,
  "no-daemon": 503,
  "daemon-silent": 504,
  "api-failed": 502,
  "runner-lost": 503,
  "node-silent": 504,
  "node-refused": 502,
};

/** A request that is refused for its form, before anything was asked of the daemon. */
export class RequestRefused extends StewardError {
  readonly status: number;

  constructor(status: number, fault: string) {
    super("request-invalid", { fault });
    this.status = status;
  }
}

function statusOf(error: StewardError): number {
  if (error instanceof RequestRefused) return error.status;
  return STATUS[error.code] ?? (error.exit === EXIT.usage ? 400 : 500);
}

/** The answer to a request that ended with a throw; `defect` is true for an error that steward did not foresee. */
export function failureOf(thrown: unknown): { status: number; body: Shown<typeof failure>; defect: boolean } {
  const error = normalise(thrown);
  const { code, message, remedy, exit, details } = error;
  return {
    status: statusOf(error),
    body: { error: { code, message, remedy, exit, details } },
    defect: code === "internal",
  };
}
