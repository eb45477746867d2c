import { spawn } from "node:child_process";

// The bare side of the row `spawn`, in a small process: told a number, it runs so many programs, a few at a time, and says how many a second.
const AT_ONCE = Number(process.argv[2]);
process.on("message", async (total) => {
  let begun = 0;
  const worker = async () => {
    while (begun < total) {
      begun++;
      await new Promise((resolve, reject) => {
        const child = spawn("/bin/true", { stdio: ["ignore", "pipe", "pipe"], detached: true });
        child.once("error", reject);
        child.once("close", resolve);
      });
    }
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  process.send(total / ((performance.now() - started) / 1000));
});
process.once("disconnect", () => process.exit());
process.send("ready");
