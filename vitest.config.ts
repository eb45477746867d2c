import { defineConfig, type TestUserConfig } from "vitest/config";

/** How every test runs. */
export const COMMON: TestUserConfig = {
  globalSetup: ["test/harness/built.ts"],
  setupFiles: ["test/harness/seed.ts"],
  pool: "forks",
  maxWorkers: 2,
  testTimeout: 30_000,
  hookTimeout: 60_000,
  reporters: ["default"],
};

/** Whole fleets under faults, real and simulated, and damaged input by the thousand: `npm run test:long`. */
export const LONG = [
  "test/faults/*.test.ts",
  "test/fuzz/*.test.ts",
  "test/simulation/**/*.test.ts",
  "test/integration/bad-input.test.ts",
  "test/integration/commands-without-daemon.test.ts",
  "test/integration/crashes.test.ts",
];

export default defineConfig({
  test: {
    ...COMMON,
    include: ["test/**/*.test.ts"],
    // Making a release takes longer than any test may: `npm run test:release`.
    exclude: [...LONG, "test/release/**"],
  },
});
