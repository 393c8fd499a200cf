import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launch, Visitor } from '../harness/browser'
import { Node, until } from '../harness/node'

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

async function begin(name: string): Promise<Visitor> {
  const v = await Visitor.come(browser, one.url)
  await v.register(name)
  await v.newGroup('Garden')
  return v
}
async function come(link: string, name: string): Promise<Visitor> {
  const v = await Visitor.come(browser, two.url)
  await v.register(name)
  await v.page.goto(two.url + '/invite' + new URL(link).hash)
  await v.composer.waitFor()
  return v
}
async function newPanel(v: Visitor, name: string, secret: boolean, kind = 'Chat'): Promise<void> {
  await v.page.locator('.sidebar button.title').click()
  await v.page.getByRole('menuitem', { name: 'New panel' }).click()
  await v.page.getByLabel('Name of the panel').fill(name)
  await v.page.locator('dialog .kinds label', { hasText: kind }).click()
  if (secret) await v.page.locator('dialog .check input').check()
  await v.page.locator('dialog button.main').click()
  await v.page.locator('.tree [data-panel]', { hasText: name }).waitFor()
}
async function tab(v: Visitor, name: string): Promise<void> {
  await v.page.goto(v.page.url().replace(/(\/g\/[a-z2-7]+).*/, `$1/settings/${name}`))
  await v.page.locator('.settings .page').waitFor()
}
const panels = (v: Visitor): Promise<string[]> => v.page.locator('.tree [data-panel] > span').allTextContents()

test('G5: a role is made, given to somebody on another server, and does what it says', async () => {
  const ada = await begin('ada')
  const ben = await come(await ada.invite(), 'ben')
  await ada.say('ada was here')
  await ben.message('ada was here').waitFor()
  await tab(ada, 'roles')
  await ada.page.getByRole('button', { name: 'New role' }).click()
  await ada.page.getByLabel('Name of the role').fill('Gardeners')
  await ada.page.getByLabel('Remove messages of others').check()
  await ada.axe('a new role')
  await ada.page.locator('dialog').getByRole('button', { name: 'Create' }).click()
  // its card opens; nobody holds it yet
  await ada.page.getByRole('heading', { name: 'Gardeners' }).waitFor()
  await ada.page.getByLabel('Give it to').selectOption({ label: (await ada.page.getByLabel('Give it to').locator('option', { hasText: 'ben' }).textContent()) ?? '' })
  await ada.page.getByRole('button', { name: 'Give', exact: true }).click()
  await ada.page.getByText('1 person holds it').waitFor()
  await ada.axe('a role')
  await ben.message('ada was here').click({ button: 'right' })
  await ben.page.getByRole('menuitem', { name: 'Remove' }).click()
  await ben.page.getByText('ada was here').waitFor({ state: 'detached' })
  // what it may is changed, and then it is gone
  await ada.page.getByLabel('Invite people').click()
  await expect.poll(() => ada.page.getByLabel('Invite people').isChecked()).toBe(true)
  await ada.page.getByRole('button', { name: 'Delete role' }).click()
  await ada.page.getByText('Gardeners is deleted.').waitFor()
  await expect.poll(() => ada.page.locator('.table', { hasText: 'Gardeners' }).count()).toBe(0)
  await ada.leave()
  await ben.leave()
})

test('G5: a group is viewed as a role sees it', async () => {
  const ada = await begin('ada')
  await newPanel(ada, 'secret', true)
  await newPanel(ada, 'news', false, 'Announcements')
  await expect.poll(() => panels(ada)).toEqual(['general', 'secret', 'news'])
  await tab(ada, 'roles')
  await ada.page.locator('.table button', { hasText: 'Member' }).click()
  await ada.page.getByRole('button', { name: 'View as this role' }).click()
  await ada.page.getByText('This is how Member sees Garden.').waitFor()
  await expect.poll(() => panels(ada)).toEqual(['general', 'news'])
  await ada.composer.waitFor()
  await ada.page.locator('.tree [data-panel]', { hasText: 'news' }).click()
  await ada.page.locator('.read-only').waitFor()
  await ada.axe('viewed as a role')
  await ada.page.getByRole('button', { name: 'Stop' }).click()
  await expect.poll(() => panels(ada)).toEqual(['general', 'secret', 'news'])
  await ada.composer.waitFor()
  await ada.leave()
})

test('G2: name, description and language are one everywhere', async () => {
  const ada = await begin('ada')
  const link = await ada.invite()
  await tab(ada, 'overview')
  await ada.page.getByLabel('Name', { exact: true }).fill('Kitchen garden')
  await ada.page.getByLabel('What it is about').fill('Beans, mostly.')
  await ada.page.getByLabel('Language').selectOption('de')
  await ada.page.getByRole('button', { name: 'Save' }).click()
  await ada.page.getByText('Saved').waitFor()
  const guest = await Visitor.come(browser, two.url)
  await guest.page.goto(two.url + '/invite' + new URL(link).hash)
  await guest.page.getByText('Kitchen garden').first().waitFor()
  await guest.page.getByText('Beans, mostly.').waitFor()
  await ada.page.reload()
  await expect.poll(() => ada.page.getByLabel('What it is about').inputValue()).toBe('Beans, mostly.')
  expect(await ada.page.getByLabel('Language').inputValue()).toBe('de')
  await ada.axe('overview')
  await ada.leave()
  await guest.leave()
})

test('G3: an invitation leads into a panel, with a role, and for no guests', async () => {
  const ada = await begin('ada')
  await newPanel(ada, 'orchard', false)
  await ada.page.keyboard.press('Alt+i')
  const dialog = ada.page.locator('dialog')
  await dialog.getByLabel('Arrive in').selectOption({ label: 'orchard' })
  await dialog.getByLabel('Role on arrival').selectOption({ label: 'Moderator' })
  await dialog.getByLabel('Guests may come by it').uncheck()
  const field = dialog.locator('.copy input')
  await ada.axe('invite')
  const link = await until(async () => /.*#.*/.exec(await field.inputValue())?.[0], 'a link')
  await ada.page.keyboard.press('Escape')
  const visitor = await Visitor.come(browser, two.url)
  await visitor.page.goto(two.url + '/invite' + new URL(link).hash)
  await visitor.page.getByText('Garden').first().waitFor()
  expect(await visitor.page.getByRole('button', { name: /guest/i }).count()).toBe(0)
  await visitor.leave()
  const ben = await come(link, 'ben')
  await ben.page.locator('.chat h1', { hasText: 'orchard' }).waitFor()
  await tab(ada, 'members')
  await ada.page.locator('.members section', { hasText: 'Moderator' }).getByText('ben').waitFor()
  await ada.leave()
  await ben.leave()
})

test('G4: who asks to be let in answers questions, and those alone who may let them in read them', async () => {
  const ada = await begin('ada')
  await tab(ada, 'overview')
  await ada.page.getByLabel('Who may come in?').selectOption('request')
  await ada.page.getByRole('button', { name: 'Save' }).click()
  await ada.page.getByText('Saved').waitFor()
  await tab(ada, 'requests')
  await ada.page.getByLabel('Questions').fill('What do you grow?\nWhere?')
  await ada.page.getByRole('button', { name: 'Save' }).click()
  await ada.page.getByText('Saved').waitFor()
  await ada.page.goto(ada.page.url().replace(/\/settings.*/, ''))
  await ada.composer.waitFor()
  const link = await ada.invite()
  const ben = await Visitor.come(browser, two.url)
  await ben.register('ben')
  await ben.page.goto(two.url + '/invite' + new URL(link).hash)
  await ben.page.getByLabel('What do you grow?').fill('Beans')
  await ben.page.getByLabel('Where?').fill('On the <b>roof</b>')
  await ben.axe('questions')
  await ben.page.getByRole('button', { name: 'Ask to be let in' }).click()
  await ben.page.locator('[role=status]', { hasText: /asked|request/i }).waitFor()
  await tab(ada, 'requests')
  await expect.poll(async () => (await ada.page.reload(), await ada.page.locator('.settings .page').waitFor(), await ada.page.getByText('On the <b>roof</b>').count())).toBe(1)
  await ada.page.getByText('Beans').waitFor()
  await ada.axe('requests with answers')
  await ada.page.getByRole('button', { name: 'Let in' }).click()
  await ben.page.goto(two.url + '/home')
  await ben.page.locator('.rail .tile[title="Garden"], .rail a[aria-label*="Garden"]').first().waitFor()
  await ada.leave()
  await ben.leave()
})

test('G13: the audit log says in words who did what to whom and why, and is filtered', async () => {
  const ada = await begin('ada')
  const ben = await come(await ada.invite(), 'ben')
  await ada.page.keyboard.press('Escape')
  const group = new URL(ada.page.url()).pathname.split('/')[2] ?? ''
  await ada.page.evaluate(async (id) => {
    const ask = async (method: string, params: object): Promise<{ members: { uid: string; handle: string }[] }> =>
      (await fetch(`/api/v1/${method}`, { method: 'POST', headers: { 'Content-Type': 'application/json', 'X-Kith-CSRF': csrf }, body: JSON.stringify(params) })).json() as never
    let csrf = ''
    csrf = (await fetch('/api/v1/account.me', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' })).headers.get('x-kith-csrf') ?? ''
    const { members } = await ask('member.list', { group: id })
    const ben = members.find((m) => m.handle.startsWith('ben'))
    await ask('member.mute', { group: id, user: ben?.uid ?? '', for: 3_600_000, reason: 'too <i>loud</i>' })
  }, group)
  await tab(ada, 'audit')
  const act = ada.page.locator('.audit li', { hasText: 'muted ben' })
  await act.waitFor()
  await expect.poll(() => act.textContent()).toContain('too <i>loud</i>')
  expect(await act.textContent()).toContain('until')
  await ada.page.locator('.audit li', { hasText: 'made the panel general' }).waitFor()
  await ada.axe('audit')
  await ada.page.getByLabel('What', { exact: true }).selectOption('mute')
  await expect.poll(() => ada.page.locator('.audit li').count()).toBe(1)
  await ada.page.getByLabel('By or about').fill('nobody')
  await ada.page.getByText('Nothing of the kind.').waitFor()
  await ada.leave()
  await ben.leave()
})
