import { readFileSync } from "node:fs";

/** Microseconds of a clock tick in which Linux counts the CPU of another process. */
const TICK = 10_000;

/** CPU of this process and of others, by name, from `begin` to `per`; on other systems than Linux of this one alone. */
export class Cpu {
  #pids;
  #from;

  /** `pids`: process ids by name. */
  constructor(pids) {
    this.#pids = pids;
  }

  begin() {
    this.#from = this.#now();
  }

  /** Microseconds of each process for each of so many operations. */
  per(count) {
    const now = this.#now();
    return Object.fromEntries(Object.keys(now).map((name) => [name, (now[name] - this.#from[name]) / count]));
  }

  #now() {
    const { user, system } = process.cpuUsage();
    return { central: user + system, ...Object.fromEntries(Object.entries(this.#pids).flatMap(usedBy)) };
  }
}

function usedBy([name, pid]) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
    return [[name, (Number(fields[11]) + Number(fields[12])) * TICK]];
  } catch {
    return [];
  }
}
