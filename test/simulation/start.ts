import { simulate } from "./main.ts";

/** The simulator as a program, for copies of the sources that try mutations. */
process.exitCode = await simulate(process.argv.slice(2), process.cwd());
