/**
 * Two groups of tests, one after the other. What needs no kernel runs on all processors. What watches the system, counts its
 * events or waits for processes runs file by file, so that nobody's load or kernel objects get into another's picture.
 */
import { defineConfig } from "vitest/config";
import { patient } from "./test/support/patience.ts";

export default defineConfig({
  test: {
    testTimeout: patient(60_000),
    hookTimeout: patient(120_000),
    pool: "forks",
    setupFiles: ["test/support/property-tests.ts"],
    projects: [
      {
        extends: true,
        test: { name: "pure", include: ["test/{unit,golden,vm}/**/*.test.ts"], sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        test: {
          name: "system",
          include: ["test/{native,kernel,e2e,browser}/**/*.test.ts"],
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
