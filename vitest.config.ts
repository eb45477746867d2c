import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Making a release takes longer than any test may: `npm run test:release`.
    exclude: ["test/release/**"],
    globalSetup: ["test/harness/built.ts"],
    setupFiles: ["test/harness/seed.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ["default"],
  },
});
