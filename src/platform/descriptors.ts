import { readFileSync } from "node:fs";
import type { Socket } from "node:net";

/**
 * Descriptors of this process. When a process has none left, the runtime accepts connections and closes them in silence,
 * and files cannot be opened; so whoever takes connections from others leaves a reserve.
 *
 * The system gives out the lowest free descriptor, so the number of a new one says how many are in use.
 */
const RESERVE = { share: 8, least: 16, most: 256 };

let limit: number | undefined;

/**
 * True for a new connection that is among the last descriptors. False where the system does not tell.
 *
 * @param share of the reserve that is kept: operators get in where senders of logs do not any more
 */
export function isAmongLastDescriptors(socket: Socket, share = 1): boolean {
  // Not in the types: on POSIX the handle of a socket says its descriptor.
  const { fd = -1 } = (socket as unknown as { readonly _handle?: { readonly fd?: number } })._handle ?? {};
  limit ??= descriptorLimit();
  const reserve = Math.min(RESERVE.most, Math.max(RESERVE.least, Math.floor(limit / RESERVE.share)));
  return fd >= limit - Math.floor(share * reserve);
}

function descriptorLimit(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
