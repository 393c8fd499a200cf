import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launch, Visitor } from '../harness/browser'
import { Node } from '../harness/node'

let browser: Browser
let one: Node
let two: Node
beforeAll(async () => {
  browser = await launch()
  one = await Node.start('one')
  two = await Node.start('two', '--peer', one.peer)
})
afterAll(async () => {
  await browser?.close()
  await one?.stop()
  await two?.stop()
})

// Ada at one node, Ben at the other, a group that they share.
async function together(): Promise<{ ada: Visitor; ben: Visitor }> {
  const ada = await Visitor.come(browser, one.url)
  await ada.register('ada')
  await ada.newGroup('Garden')
  const link = await ada.invite()
  const ben = await Visitor.come(browser, two.url)
  await ben.register('ben')
  await ben.page.goto(two.url + '/invite' + new URL(link).hash)
  await ben.composer.waitFor()
  return { ada, ben }
}

test('G3 M1 M3 M4 M5 M6 M7: two nodes talk, reply, react, edit, recall and remove', async () => {
  const { ada, ben } = await together()
  await ada.say('Hello **world** <img src=x onerror=alert(1)>')
  await ben.message('Hello world').waitFor()
  expect(await ben.message('Hello world').locator('strong', { hasText: 'world' }).count()).toBe(1)
  expect(await ben.page.locator('.rich img').count()).toBe(0)

  await ben.message('Hello world').hover()
  await ben.message('Hello world').getByRole('button', { name: 'Reply' }).click()
  await ben.say('hello to you')
  await ada.message('hello to you').locator('.quoted', { hasText: 'Hello world' }).waitFor()

  await ada.message('hello to you').focus()
  await ada.page.keyboard.press('+')
  await ada.page.getByRole('menuitem', { name: '🎉' }).click()
  await ben.message('hello to you').locator('.reactions button', { hasText: '🎉 1' }).click()
  await ada.message('hello to you').locator('.reactions button', { hasText: '🎉 2' }).waitFor()

  await ben.composer.focus()
  await ben.page.keyboard.press('ArrowUp')
  await expect.poll(() => ben.composer.inputValue()).toBe('hello to you')
  await ben.say('hello to you, edited')
  await ada.message('hello to you, edited').getByText('edited', { exact: true }).waitFor()

  await ben.say('a mistake')
  await ada.message('a mistake').waitFor()
  await ben.page.locator('article.message:not(.waiting)', { hasText: 'a mistake' }).waitFor()
  await ben.message('a mistake').click({ button: 'right' })
  await ben.page.getByRole('menuitem', { name: 'Recall' }).click()
  await ada.page.getByText('Recalled by its author').waitFor()
  expect(await ada.page.getByText('a mistake').count()).toBe(0)

  await ben.say('something bad')
  await ada.message('something bad').click({ button: 'right' })
  await ada.page.getByRole('menuitem', { name: 'Remove' }).click()
  await ben.page.getByText('Removed by a moderator').waitFor()
  await ada.leave()
  await ben.leave()
})

test('M19 M11: what is written while the node is away is pending, then sent; a draft stays', async () => {
  const node = await Node.start('away')
  const ada = await Visitor.come(browser, node.url)
  await ada.register('ada')
  await ada.newGroup('Garden')
  await ada.say('before')
  await ada.page.locator('article.message:not(.waiting)', { hasText: 'before' }).waitFor()
  await node.down('SIGKILL')
  await ada.page.locator('.bar.waiting').waitFor()
  await ada.say('while it is away')
  await ada.page.locator('article.message.waiting', { hasText: 'while it is away' }).waitFor()
  await ada.composer.fill('half a thou')
  await ada.page.waitForFunction(() => indexedDB.databases().then((d) => d.some((x) => x.name === 'kith')))
  await node.up()
  await ada.page.locator('article.message:not(.waiting)', { hasText: 'while it is away' }).waitFor({ timeout: 40_000 })
  await expect.poll(async () => ada.page.locator('article.message', { hasText: 'while it is away' }).count()).toBe(1)
  await ada.page.reload()
  await ada.message('while it is away').waitFor()
  await expect.poll(() => ada.composer.inputValue()).toBe('half a thou')
  await ada.leave()
  await node.stop()
})

test('P1 P3: panels are made, some for announcements, and others see them come', async () => {
  const { ada, ben } = await together()
  await ada.page.locator('.sidebar button.title').click()
  await ada.page.getByRole('menuitem', { name: 'New panel' }).click()
  await ada.page.getByLabel('Name of the panel').fill('news')
  await ada.page.getByText('Announcements').click()
  await ada.page.locator('dialog button.main').click()
  await ada.page.locator('h1', { hasText: 'news' }).waitFor()
  await ada.say('first news')
  await ben.page.locator('.tree a', { hasText: 'news' }).locator('.badge').waitFor()
  await ben.page.locator('.tree a', { hasText: 'news' }).click()
  await ben.message('first news').waitFor()
  await ben.page.locator('.read-only').waitFor()
  await ada.leave()
  await ben.leave()
})

test('F4: a conversation between two nodes', async () => {
  const { ada, ben } = await together()
  await ada.page.getByRole('button', { name: 'Show members' }).click()
  await ada.page.locator('.members .row', { hasText: 'ben' }).click()
  await ada.page.getByRole('menuitem', { name: 'Write a message' }).click()
  await ada.page.locator('.chat h1', { hasText: 'ben' }).waitFor()
  await ada.say('just between us')
  await ben.page.locator('.tile.home .badge').waitFor()
  await ben.page.locator('.tile.home').click()
  await ben.page.locator('.sidebar a', { hasText: 'ada' }).click()
  await ben.message('just between us').waitFor()
  await ben.say('yes')
  await ada.message('yes').waitFor()
  await ada.leave()
  await ben.leave()
})

test('G6: who is banned is out, at their own node too', async () => {
  const { ada, ben } = await together()
  await ada.page.getByRole('button', { name: 'Show members' }).click()
  await ada.page.locator('.members .row', { hasText: 'ben' }).click()
  await ada.page.getByRole('menuitem', { name: 'Ban' }).click()
  await ben.page.getByText('There is nothing here.').waitFor()
  await ada.leave()
  await ben.leave()
})

test('two windows of one account: no message twice, none lost', async () => {
  const ada = await Visitor.come(browser, one.url)
  await ada.register('twin')
  await ada.newGroup('Mirror')
  const other = await ada.context.newPage()
  ada.watch(other)
  await other.goto(ada.page.url())
  await other.locator('.composer textarea').waitFor()
  for (let i = 0; i < 5; i++) {
    await ada.say(`left ${i}`)
    await other.locator('.composer textarea').fill(`right ${i}`)
    await other.locator('.composer textarea').press('Enter')
  }
  for (const page of [ada.page, other]) await expect.poll(() => page.locator('article.message:not(.waiting)').count(), { timeout: 10_000 }).toBe(10)
  const all = (page: typeof other): Promise<string[]> => page.locator('article.message .rich').allTextContents()
  expect(await all(other)).toEqual(await all(ada.page))
  await ada.leave()
})

test('by keyboard alone: register, make a group, write, invite, go elsewhere', async () => {
  const v = await Visitor.come(browser, one.url)
  const { page } = v
  await page.goto(one.url)
  await page.locator('.entry form').waitFor()
  await page.keyboard.press('Tab')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter') // I am new here
  await expect.poll(() => page.locator('.entry button.main').textContent()).toBe('Register')
  await page.keyboard.press('Shift+Tab')
  await page.locator('.entry input').first().focus()
  await page.keyboard.type('kay')
  await page.keyboard.press('Tab')
  await page.keyboard.type('correct horse battery')
  await page.keyboard.press('Enter')
  await page.locator('dialog .kit').waitFor()
  await page.keyboard.press('Escape')
  const onto = async (name: RegExp): Promise<void> => {
    for (let i = 0; i < 40; i++) {
      await page.keyboard.press('Tab')
      const label = await page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '')
      if (name.test(label)) return
    }
    throw new Error(`Tab does not lead to ${name.source}`)
  }
  await onto(/^New group$/)
  await page.keyboard.press('Enter')
  await page.locator('dialog input').waitFor()
  await page.keyboard.type('By keys')
  await page.keyboard.press('Enter')
  await v.composer.waitFor()
  await expect.poll(() => page.evaluate(() => document.activeElement?.tagName)).toBe('TEXTAREA')
  await page.keyboard.type('typed')
  await page.keyboard.press('Enter')
  await v.message('typed').waitFor()
  const link = await v.invite()
  expect(link).toContain('/invite#')
  await page.keyboard.press('Control+k')
  await page.locator('.switch').waitFor()
  await page.keyboard.type('general')
  await page.keyboard.press('Enter')
  await v.message('typed').waitFor()
  await page.keyboard.press('Control+,')
  await page.locator('.settings').waitFor()
  await v.leave()
})
