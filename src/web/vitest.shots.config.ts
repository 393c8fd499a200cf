import { mergeConfig } from 'vitest/config'
import base from './vitest.config.ts'

// Pictures of every screen: contrib/dev/screenshots.
export default mergeConfig({ ...base, test: { ...base.test, include: [] } }, { test: { include: ['tests/visual/*.shots.ts'], testTimeout: 600_000 } })
