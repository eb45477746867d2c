/** The words of a script's command line. */
import { parseArgs } from "node:util";

/** The values of the options; `--help` prints the usage, and what is not understood ends the script with it. */
export function optionsOrExit(options, usage) {
  try {
    const { values } = parseArgs({ options: { ...options, help: { type: "boolean", short: "h", default: false } } });
    if (!values.help) return values;
    process.stdout.write(`${usage}\n`);
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    refuse(usage);
  }
}

/** Ends the script with its usage. */
export function refuse(usage) {
  process.stderr.write(`${usage}\n`);
  process.exit(2);
}
