import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/integration/**', 'test/bench/**'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // The tests share no state (no module mocks), and loading modules afresh for each file was a third of the time.
          isolate: false,
          expect: { poll: { timeout: 20_000 } },
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          // Beyond what any test waits for itself, so that what it waited for is told.
          testTimeout: 900_000,
          hookTimeout: 900_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
