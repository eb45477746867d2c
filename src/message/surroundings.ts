import { CATALOGUE, StewardError } from "./errors.ts";

/**
 * Faults of the surroundings: a port that another program has, a path that is missing or closed, a disk or a table of
 * the system that is full. Such faults pass when somebody, or time, mends them, so an operation that meets one is tried
 * again for as long as it takes. Any other fault is a defect.
 */
const CODES: ReadonlySet<string> = new Set([
  // Addresses and networks
  ...["EADDRINUSE", "EADDRNOTAVAIL", "EAFNOSUPPORT", "ENETDOWN", "ENETUNREACH", "EHOSTUNREACH", "ECONNREFUSED"],
  ...["ECONNRESET", "ECONNABORTED", "EPIPE", "ETIMEDOUT", "ENOTFOUND", "EAI_AGAIN"],
  // Paths and rights
  ...["EACCES", "EPERM", "ENOENT", "ENOTDIR", "EISDIR", "ELOOP", "ENAMETOOLONG", "EROFS", "ETXTBSY"],
  // Resources of the system that are used up
  ...["EMFILE", "ENFILE", "ENOSPC", "EDQUOT", "ENOMEM", "ENOBUFS", "EAGAIN", "EBUSY"],
  // Devices
  ...["EIO", "ENODEV", "ENXIO", "ESTALE"],
]);
/** Errors that were caused by errors. */
const DEPTH = 8;

/** Decided by codes: those of the catalogue that say so, and those of the system, of the error or of what caused it. */
export function isOfSurroundings(thrown: unknown): boolean {
  let error = thrown;
  for (let depth = 0; error instanceof Error && depth < DEPTH; depth++) {
    if (error instanceof StewardError) {
      if ("passes" in CATALOGUE[error.code]) return true;
    } else if (CODES.has((error as NodeJS.ErrnoException).code ?? "")) return true;
    error = error.cause;
  }
  return false;
}
