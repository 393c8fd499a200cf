import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const here = (p: string): string => fileURLToPath(new URL(p, import.meta.url))

export default defineConfig({
  resolve: {
    alias: [
      { find: /^@kith\/client$/, replacement: here('packages/client/index.ts') },
      { find: /^@kith\/client\//, replacement: here('packages/client/') },
      { find: /^@kith\/markdown$/, replacement: here('packages/markdown/index.ts') },
    ],
  },
  test: {
    include: ['tests/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // conditions are waited for, however slow the machine
    expect: { poll: { timeout: 20_000 } },
    maxWorkers: 2,
    fileParallelism: true,
  },
})
