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
async function newPanel(v: Visitor, name: string, kind: string): Promise<void> {
  await v.page.locator('.sidebar button.title').click()
  await v.page.getByRole('menuitem', { name: 'New panel' }).click()
  await v.page.getByLabel('Name of the panel').fill(name)
  await v.page.locator('dialog .kinds label', { hasText: kind }).click()
  await v.page.locator('dialog button.main').click()
  await v.page.locator('.tree [data-panel]', { hasText: name }).waitFor()
}
// The tree as it is drawn: "folder[inside inside] beside"
function drawn(v: Visitor): Promise<string> {
  return v.page.evaluate(() => {
    const walk = (ul: Element | null | undefined): string =>
      [...(ul?.children ?? [])]
        .map((li) => {
          const name = li.querySelector('[data-panel] > span')?.textContent ?? ''
          const inner = li.querySelector('details > ul')
          return inner === null ? name : `${name}[${walk(inner)}]`
        })
        .join(' ')
    return walk(document.querySelector('.tree ul'))
  })
}
const row = (v: Visitor, name: string) => v.page.locator('.tree [data-panel]', { hasText: name })

test('P1: the tree of panels by keyboard, and everybody sees it', async () => {
  const { ada, ben } = await together()
  await newPanel(ada, 'attic', 'Folder')
  await newPanel(ada, 'news', 'Announcements')
  await expect.poll(() => drawn(ben)).toBe('general attic[] news')
  await row(ada, 'news').focus()
  await ada.page.keyboard.press('Control+ArrowRight')
  await expect.poll(() => drawn(ben)).toBe('general attic[news]')
  await expect.poll(() => ada.page.evaluate(() => document.activeElement?.textContent)).toContain('news')
  await row(ada, 'general').focus()
  await ada.page.keyboard.press('Control+ArrowDown')
  await expect.poll(() => drawn(ben)).toBe('attic[news] general')
  await row(ada, 'general').focus()
  await ada.page.keyboard.press('F2')
  await ada.page.getByLabel('Name of the panel').fill('hall')
  await ada.page.keyboard.press('Enter')
  await expect.poll(() => drawn(ben)).toBe('attic[news] hall')
  await row(ada, 'news').focus()
  await ada.page.keyboard.press('Control+ArrowLeft')
  await expect.poll(() => drawn(ben)).toBe('attic[] news hall')
  // Ben may not: nothing happens, nothing is offered
  await row(ben, 'hall').focus()
  await ben.page.keyboard.press('Control+ArrowUp')
  await ben.page.keyboard.press('F2')
  expect(await ben.page.locator('dialog').count()).toBe(0)
  await ada.leave()
  await ben.leave()
})

test('P1: the tree of panels by drag; a folder asks what becomes of what lies in it', async () => {
  const { ada, ben } = await together()
  await newPanel(ada, 'attic', 'Folder')
  await newPanel(ada, 'news', 'Announcements')
  await row(ada, 'news').dragTo(row(ada, 'attic'))
  await expect.poll(() => drawn(ben)).toBe('general attic[news]')
  await row(ada, 'attic').dragTo(row(ada, 'general'), { targetPosition: { x: 60, y: 4 } })
  await expect.poll(() => drawn(ben)).toBe('attic[news] general')
  await row(ada, 'general').dragTo(row(ada, 'news'), { targetPosition: { x: 60, y: 4 } })
  await expect.poll(() => drawn(ben)).toBe('attic[general news]')
  await row(ada, 'attic').click({ button: 'right' })
  await ada.page.getByRole('menuitem', { name: 'Delete' }).click()
  await ada.page.getByText('2 panels lie in this folder').waitFor()
  await ada.axe('delete a folder')
  await ada.page.locator('dialog button.danger').click()
  await expect.poll(() => drawn(ben)).toBe('general news')
  await newPanel(ada, 'cellar', 'Folder')
  await row(ada, 'news').focus()
  await ada.page.keyboard.press('Control+ArrowDown')
  await expect.poll(() => drawn(ben)).toBe('general cellar[] news')
  await ada.page.keyboard.press('Control+ArrowRight')
  await expect.poll(() => drawn(ben)).toBe('general cellar[news]')
  await row(ada, 'cellar').focus()
  await ada.page.keyboard.press('Delete')
  await ada.page.locator('dialog label', { hasText: 'Delete them too' }).click()
  await ada.page.locator('dialog button.danger').click()
  await expect.poll(() => drawn(ben)).toBe('general')
  await ada.leave()
  await ben.leave()
})

test('P1: on a phone panels are moved from their menu', async () => {
  const v = await Visitor.come(browser, one.url, { phone: true, lang: 'zh-CN', scheme: 'dark' })
  await v.register('phoebe')
  await v.page.goto(one.url + '/home')
  await v.page.locator('.tile.add').click()
  await v.page.locator('dialog input').first().fill('Garden')
  await v.page.locator('dialog button.main').click()
  await v.composer.waitFor()
  await v.page.locator('.chat .back').click()
  await v.page.locator('.sidebar button.title').click()
  await v.page.getByRole('menuitem', { name: '新建面板' }).click()
  await v.page.locator('dialog input').first().fill('news')
  await v.page.locator('dialog button.main').click()
  await v.page.locator('.chat h1', { hasText: 'news' }).waitFor()
  await v.page.locator('.chat .back').click()
  await v.page.locator('.branch', { hasText: 'news' }).locator('.more').click()
  await v.page.getByRole('menuitem', { name: '上移' }).click()
  await expect.poll(() => drawn(v)).toBe('news 大厅')
  await v.axe('tree on a phone')
  await v.leave()
})

test('P10: topic, slow mode, read-only and notification default hold for others', async () => {
  const { ada, ben } = await together()
  const settings = async (change: () => Promise<unknown>): Promise<void> => {
    await row(ada, 'general').click({ button: 'right' })
    await ada.page.getByRole('menuitem', { name: 'Panel settings' }).click()
    await change()
    await ada.page.locator('dialog button.main').click()
    await ada.page.locator('dialog').waitFor({ state: 'detached' })
  }
  await settings(async () => {
    await ada.axe('panel settings')
    await ada.page.getByLabel('Topic').fill('Beans and peas')
    await ada.page.getByLabel('Slow mode').selectOption({ label: 'one message in 5 seconds' })
  })
  await ben.page.locator('.topic', { hasText: 'Beans and peas' }).waitFor()
  await ben.page.locator('.slow').waitFor()
  await ben.say('first')
  await ada.message('first').waitFor()
  await ben.page.locator('.slow', { hasText: / \d s/ }).waitFor()
  await ben.composer.fill('second')
  await ben.composer.press('Enter')
  await expect.poll(() => ben.composer.inputValue()).toBe('second')
  await expect.poll(() => ben.page.locator('.slow').textContent(), { timeout: 15_000 }).not.toMatch(/\d/)
  await ben.composer.press('Enter')
  await ada.message('second').waitFor()
  await settings(async () => {
    await ada.page.getByLabel('Slow mode').selectOption({ label: 'off' })
    await ada.page.getByLabel('Read-only').check()
    await ada.page.getByLabel('Notify by default of').selectOption({ label: 'mentions' })
  })
  await ben.page.getByText('This panel is read-only now.').waitFor()
  await newPanel(ada, 'other', 'Chat')
  await row(ben, 'other').click()
  await row(ada, 'general').click()
  await ada.say('only said')
  await ada.page.locator('article.message:not(.waiting)', { hasText: 'only said' }).waitFor()
  await ada.say('@ben, this is said to you')
  await row(ben, 'general').locator('.badge', { hasText: '1' }).waitFor()
  await ada.leave()
  await ben.leave()
})

test('G1: a group is made from a template in three actions', async () => {
  const v = await Visitor.come(browser, one.url)
  await v.register('founder')
  await v.page.locator('.tile.add').click()
  await v.page.getByLabel('Name of the group').fill('Studio')
  await v.page.getByText('Creator with followers').click()
  expect(await v.page.getByLabel('Who may come in?').inputValue()).toBe('open')
  await v.axe('new group')
  await v.page.locator('dialog button.main').click()
  await v.page.locator('.chat h1', { hasText: 'news' }).waitFor()
  await v.page.locator('.tree a', { hasText: 'talk' }).waitFor()
  await v.leave()
})
