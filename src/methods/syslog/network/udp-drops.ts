import { readFile } from "node:fs/promises";

/**
 * Datagrams that the kernel dropped at the sockets bound to a port, from the last column of /proc/net/udp. `undefined` on
 * systems without this file.
 */
export async function kernelDrops(port: number, family: "udp4" | "udp6"): Promise<number | undefined> {
  try {
    return dropsOf(await readFile(family === "udp4" ? "/proc/net/udp" : "/proc/net/udp6", "latin1"), port);
  } catch {
    // Linux alone has this file, where /proc is mounted.
    return undefined;
  }
}

export function dropsOf(table: string, port: number): number | undefined {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  let sum: number | undefined;
  for (const row of table.split("\n").slice(1)) {
    const fields = row.trim().split(/\s+/);
    if (fields[1]?.endsWith(suffix)) sum = (sum ?? 0) + Number(fields.at(-1));
  }
  return sum;
}
