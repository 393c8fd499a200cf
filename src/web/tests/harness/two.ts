import type { Browser } from 'playwright-core'
import { afterAll, beforeAll } from 'vitest'
import { launch } from './browser'
import { Node } from './node'

// A browser and two nodes that know each other, for all tests of a file.
export function twoNodes(take: (browser: Browser, one: Node, two: Node) => void): void {
  let browser: Browser | undefined
  let one: Node | undefined
  let two: Node | undefined
  beforeAll(async () => {
    browser = await launch()
    one = await Node.start('one')
    two = await Node.start('two', '--peer', one.peer)
    take(browser, one, two)
  })
  afterAll(async () => {
    await browser?.close()
    await one?.stop()
    await two?.stop()
  })
}
