import { defineConfig } from "vitest/config";

/** The result of `npm run release` is tried out. A part of `.ci/run`. */
export default defineConfig({
  test: {
    include: ["test/release/*.test.ts"],
    pool: "forks",
    testTimeout: 60_000,
    hookTimeout: 300_000,
    reporters: ["default"],
  },
});
