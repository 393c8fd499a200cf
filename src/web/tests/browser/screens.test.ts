import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launch, Visitor, type Look } from '../harness/browser'
import { Node } from '../harness/node'

let browser: Browser
let node: Node
beforeAll(async () => {
  ;[browser, node] = await Promise.all([launch(), Node.start('Harbour')])
})
afterAll(async () => {
  await browser?.close()
  await node?.stop()
})

const looks: readonly Look[] = (['en-US', 'zh-CN'] as const).flatMap((lang) => (['light', 'dark'] as const).flatMap((scheme) => [false, true].map((phone) => ({ lang, scheme, phone }))))

describe('axe finds nothing serious on any screen', () => {
  for (const look of looks)
    test(`${look.lang} ${look.scheme} ${look.phone === true ? 'phone' : 'desktop'}`, async () => {
      const v = await Visitor.come(browser, node.url, look)
      await v.page.goto(node.url)
      await v.page.locator('.entry form').waitFor()
      await v.axe('entry')
      await v.register('axel')
      await v.page.goto(node.url + '/home')
      await v.page.locator('.rail').waitFor({ state: 'attached' })
      await v.axe('home')
      if (look.phone === true) {
        await v.page.locator('.tile.add').click()
        await v.page.locator('dialog input').first().fill('Garden')
        await v.axe('new group')
        await v.page.locator('dialog button.main').click()
        await v.composer.waitFor()
      } else await v.newGroup('Garden')
      await v.say('Hello **you**, `code` and https://example.org/ @axel ||no||')
      await v.page.locator('article.message:not(.waiting)').waitFor()
      await v.axe('chat')
      await v.page.keyboard.press('Alt+i')
      await v.page.locator('dialog .qr').waitFor()
      await v.axe('invite')
      await v.page.keyboard.press('Escape')
      await v.page.locator('.chat header button[aria-pressed]').click()
      await v.page.locator('.members .row').first().waitFor()
      await v.axe('members')
      const group = new URL(v.page.url()).pathname.split('/')[2] ?? ''
      for (const tab of ['profile', 'account', 'appearance', 'sessions', 'keys', 'about']) {
        await v.page.goto(`${node.url}/settings/${tab}`)
        await v.page.locator('.settings .page > *').first().waitFor()
        await v.axe(`settings ${tab}`)
      }
      for (const tab of ['overview', 'members', 'invites', 'requests', 'audit']) {
        await v.page.goto(`${node.url}/g/${group}/settings/${tab}`)
        await v.page.locator('.settings .page > *').first().waitFor()
        await v.axe(`group settings ${tab}`)
      }
      for (const tab of ['', '/requests', '/blocked']) {
        await v.page.goto(`${node.url}/friends${tab}`)
        await v.page.locator('.settings .page > *').first().waitFor()
        await v.axe(`friends ${tab}`)
      }
      await v.page.goto(`${node.url}/g/nothing/here`)
      await v.page.locator('.nowhere').waitFor()
      await v.axe('nowhere')
      const width = await v.page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      expect(width).toBeLessThanOrEqual(0)
      await v.leave()
    })
})
