import type { Browser, Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { Visitor } from '../harness/browser'
import type { Node } from '../harness/node'
import { twoNodes } from '../harness/two'

let browser: Browser
let one: Node
let two: Node
twoNodes((...all) => ([browser, one, two] = all))

// As a program would: many at once, without a screen.
const sendAll = (page: Page, group: string, panel: string, texts: readonly string[]): Promise<void> =>
  page.evaluate(
    async ([g, p, all]) => {
      const me = await fetch('/api/v1/account.me', { method: 'POST', headers: { 'Content-Type': 'application/json', 'X-Kith-Cookie': '1' }, body: '{}' })
      const headers = { 'Content-Type': 'application/json', 'X-Kith-CSRF': me.headers.get('X-Kith-CSRF') ?? '' }
      for (const text of all) {
        const r = await fetch('/api/v1/message.send', { method: 'POST', headers, body: JSON.stringify({ group: g, panel: p, text }) })
        if (!r.ok) throw new Error(await r.text())
      }
    },
    [group, panel, texts] as const,
  )
const shown = (page: Page): Promise<string[]> => page.locator('article.message:not(.waiting) .rich').allInnerTexts()

test('two tabs, three devices, one account: no message twice, none lost, on all the same; what is read and begun follows', async () => {
  const ada = await Visitor.come(browser, one.url)
  await ada.register('ada')
  await ada.newGroup('Mirror')
  const link = await ada.invite()
  const ben = await Visitor.come(browser, two.url)
  await ben.register('ben')
  await ben.page.goto(two.url + '/invite' + new URL(link).hash)
  await ben.composer.waitFor()
  const place = ada.page.url()
  const tab = await ada.context.newPage()
  ada.watch(tab)
  await tab.goto(place)
  const laptop = await Visitor.come(browser, one.url, { scheme: 'dark' })
  await laptop.login('ada')
  await laptop.page.goto(place)
  const phone = await Visitor.come(browser, one.url, { phone: true })
  await phone.login('ada')
  await phone.page.goto(place)
  const mine = [ada.page, tab, laptop.page, phone.page]
  for (const p of mine) await p.locator('.composer textarea').waitFor()

  // all write at once
  const texts: string[] = []
  const writes = async (p: Page, name: string): Promise<void> => {
    for (let i = 0; i < 4; i++) {
      await p.locator('.composer textarea').fill(`${name} ${i}`)
      await p.locator('.composer textarea').press('Enter')
    }
  }
  for (const name of ['first', 'tab', 'laptop', 'phone', 'ben']) for (let i = 0; i < 4; i++) texts.push(`${name} ${i}`)
  await Promise.all([writes(ada.page, 'first'), writes(tab, 'tab'), writes(laptop.page, 'laptop'), writes(phone.page, 'phone'), writes(ben.page, 'ben')])
  for (const p of [...mine, ben.page]) await expect.poll(async () => (await shown(p)).slice().sort(), { timeout: 20_000 }).toEqual(texts.slice().sort())
  const order = await shown(ada.page)
  for (const p of [...mine.slice(1), ben.page]) expect(await shown(p)).toEqual(order)

  // begun in a tab, seen everywhere, sent from the phone
  await tab.locator('.composer textarea').fill('half a thought')
  for (const p of mine) await expect.poll(() => p.locator('.composer textarea').inputValue()).toBe('half a thought')
  await phone.composer.press('Enter')
  for (const p of mine) await expect.poll(() => p.locator('.composer textarea').inputValue()).toBe('')
  for (const p of mine) await p.locator('article.message:not(.waiting)', { hasText: 'half a thought' }).waitFor()

  // unread everywhere, read on one, read everywhere
  for (const p of mine) await p.goto(one.url + '/settings/about')
  await ben.say('@ada, are you there?')
  for (const p of [ada.page, tab, laptop.page]) await p.locator('.rail .tile:not(.home) .badge').waitFor()
  await phone.page.goto(place)
  await phone.message('are you there').waitFor()
  for (const p of [ada.page, tab, laptop.page]) await p.locator('.rail .tile:not(.home) .badge').waitFor({ state: 'detached' })
  for (const v of [ada, ben, laptop, phone]) await v.leave()
})

test('who comes back fetches only what has changed', async () => {
  const ada = await Visitor.come(browser, one.url)
  await ada.register('cleo')
  await ada.newGroup('Archive')
  const [, , group = '', panel = ''] = new URL(ada.page.url()).pathname.split('/')
  const panels = [panel]
  for (const name of ['second', 'third', 'fourth']) {
    await ada.page.getByRole('button', { name: 'Archive' }).click()
    await ada.page.getByRole('menuitem', { name: 'New panel' }).click()
    await ada.page.getByLabel('Name of the panel').fill(name)
    await ada.page.locator('dialog button.main').click()
    await ada.page.locator('h1', { hasText: name }).waitFor()
    panels.push(new URL(ada.page.url()).pathname.split('/')[3] ?? '')
  }
  const link = await ada.invite()
  const ben = await Visitor.come(browser, two.url)
  await ben.register('dan')
  await ben.page.goto(two.url + '/invite' + new URL(link).hash)
  await ben.composer.waitFor()
  const words = 'what was said here is long enough to be worth not to be fetched again '.repeat(3)
  for (const p of panels) await sendAll(ben.page, group, p, Array.from({ length: 60 }, (_, i) => `${i} ${words}`))

  // another device, which has nothing yet, reads all of it once
  const back = await Visitor.come(browser, one.url)
  let bytes = 0
  back.page.on('websocket', (w) => w.on('framereceived', (f) => (bytes += f.payload.length)))
  back.page.on('response', (r) => {
    if (r.url().includes('/api/')) void r.body().then((b) => (bytes += b.length), () => undefined)
  })
  await back.login('cleo')
  // the device knows from where on it is to be told
  const keptCursor = (): Promise<boolean> =>
    back.page.evaluate(
      () =>
        new Promise<boolean>((done) => {
          const open = indexedDB.open('kith')
          open.onsuccess = () => {
            const get = open.result.transaction('state').objectStore('state').get('account')
            get.onsuccess = () => done((get.result as { cursor?: string } | undefined)?.cursor !== undefined)
          }
        }),
    )
  await expect.poll(keptCursor).toBe(true)
  for (const p of panels) {
    await back.page.goto(`${one.url}/g/${group}/${p}`)
    await back.message('59 what').waitFor()
  }
  const first = bytes

  await back.page.goto('about:blank')
  await sendAll(ben.page, group, panel, Array.from({ length: 10 }, (_, i) => `news ${i}`))
  await ada.page.goto(`${one.url}/g/${group}/${panels[1] ?? ''}`)
  const badge = (v: Visitor) => v.page.locator('.tree .row', { hasText: 'general' }).locator('.badge')
  await expect.poll(() => badge(ada).textContent()).toBe('10')
  bytes = 0
  await back.page.goto(`${one.url}/g/${group}/${panels[1] ?? ''}`)
  await back.message('59 what').waitFor()
  await expect.poll(() => badge(back).textContent()).toBe('10')
  await back.page.locator('.tree a', { hasText: 'general' }).click()
  await back.message('news 9').waitFor()
  await back.message('news 0').waitFor()
  // ten short messages, who one is, which groups and panels there are, and nothing of the 240 that are known
  expect(bytes).toBeLessThan(20_000)
  expect(bytes).toBeLessThan(first / 5)
  await back.leave()
  await ada.leave()
  await ben.leave()
})
