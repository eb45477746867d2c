import { spawn } from "node:child_process";
import { constants } from "node:os";

/** Runs Node with `args` on this terminal, passes signals on, and ends this process with its exit code. */
export async function runNode(args, cwd = process.cwd()) {
  const child = spawn(process.execPath, args, { cwd, stdio: "inherit" });
  // Ctrl-C reaches the child by itself, from the terminal; this process only has to wait for what it makes of it.
  process.on("SIGINT", () => undefined);
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  const [code, signal] = await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (...end) => resolve(end));
  });
  process.exit(code ?? 128 + constants.signals[signal]);
}
