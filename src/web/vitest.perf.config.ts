import { mergeConfig } from 'vitest/config'
import base from './vitest.config.ts'

// What the client costs with very much in a panel: contrib/bench/web.
export default mergeConfig({ ...base, test: { ...base.test, include: [] } }, { test: { include: ['tests/perf/*.perf.ts'], testTimeout: 900_000, hookTimeout: 900_000 } })
