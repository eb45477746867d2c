import { accessSync, constants } from "node:fs";

const PLACES = ["/usr/bin/prlimit", "/bin/prlimit", "/usr/local/bin/prlimit"];

/** The program that lowers limits and then becomes another program; sought in places of the system alone, never on a `PATH`. */
export function limitProgram(): string | undefined {
  return PLACES.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
