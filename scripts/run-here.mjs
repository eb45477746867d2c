import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { ROOT } from "./setup.mjs";

/** Goes on as `node PROGRAM ARGS…`, in this process; the path is one from the root of the repository. */
export async function runHere([program, ...args]) {
  const path = resolve(ROOT, program);
  process.argv.splice(1, process.argv.length - 1, path, ...args);
  await import(pathToFileURL(path).href);
}
