import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launch, Visitor } from '../harness/browser'
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

test('A2 register, with the recovery key; A1 log in, one error for every wrong pair; lands in the last panel', async () => {
  const ada = await Visitor.come(browser, node.url)
  await ada.register('ada')
  await ada.newGroup('Garden')
  await ada.say('hello')
  await ada.message('hello').waitFor()
  const place = ada.page.url()
  await ada.page.goto(node.url + '/settings/account')
  await ada.page.getByRole('button', { name: 'Log out' }).click()
  await ada.page.locator('.entry').waitFor()
  const wrong = async (name: string, password: string): Promise<string> => {
    await ada.page.getByLabel('Name').fill(name)
    await ada.page.getByLabel('Password').fill(password)
    await ada.page.getByRole('button', { name: 'Log in' }).click()
    await expect.poll(() => ada.page.locator('.entry button.main').isEnabled()).toBe(true)
    return (await ada.page.getByRole('alert').textContent()) ?? ''
  }
  const first = await wrong('ada', 'wrong password')
  expect(first.length).toBeGreaterThan(10)
  expect(await wrong('nobody', 'correct horse battery')).toBe(first)
  await ada.page.getByLabel('Name').fill('ada')
  await ada.page.getByLabel('Password').fill('correct horse battery')
  await ada.page.getByRole('button', { name: 'Log in' }).click()
  await ada.message('hello').waitFor()
  expect(ada.page.url()).toBe(place)
  await ada.leave()
})

test('A3 a guest comes from a link to a sent message in three actions and under ten seconds; A4 claims the name once', async () => {
  const host = await Visitor.come(browser, node.url)
  await host.register('host')
  await host.newGroup('Open house')
  await host.say('welcome')
  const link = await host.invite()
  const guest = await Visitor.come(browser, node.url, { phone: true })
  const began = Date.now()
  await guest.page.goto(link)
  await guest.page.getByLabel('Nickname').pressSequentially('wanda', { delay: 60 })
  await guest.page.keyboard.press('Enter')
  await guest.composer.waitFor()
  await guest.composer.pressSequentially('I found it', { delay: 60 })
  await guest.composer.press('Enter')
  await guest.page.locator('article.message:not(.waiting)', { hasText: 'I found it' }).waitFor()
  expect(Date.now() - began).toBeLessThan(10_000)
  await host.message('I found it').waitFor()
  await guest.page.getByRole('button', { name: 'Keep it' }).click()
  await guest.page.locator('dialog input').fill('correct horse battery')
  await guest.page.locator('dialog button.main').click()
  await guest.page.locator('dialog .kit').waitFor()
  expect((await guest.page.locator('dialog .kit').textContent())?.length).toBeGreaterThan(20)
  await guest.page.getByRole('button', { name: 'I have kept it' }).click()
  await expect.poll(() => guest.page.locator('.bar.claim').count()).toBe(0)
  await guest.page.reload()
  await guest.message('I found it').waitFor()
  await guest.leave()
  await host.leave()
})

test('A10 sessions: another device is ended from here', async () => {
  const one = await Visitor.come(browser, node.url)
  await one.register('tess')
  const two = await Visitor.come(browser, node.url, { phone: true })
  await two.page.goto(node.url)
  await two.page.getByLabel('Name').fill('tess')
  await two.page.getByLabel('Password').fill('correct horse battery')
  await two.page.getByRole('button', { name: 'Log in' }).click()
  await two.page.locator('.tabs').waitFor()
  await one.page.goto(node.url + '/settings/sessions')
  await one.page.locator('.table li').nth(1).waitFor()
  await one.page.locator('.table').getByRole('button', { name: 'End' }).click()
  await two.page.locator('.entry form').waitFor({ timeout: 5000 })
  await one.leave()
  await two.leave()
})

test('an invitation that is none says so, and leads on', async () => {
  const v = await Visitor.come(browser, node.url)
  await v.page.goto(node.url + '/invite#' + 'a'.repeat(60))
  await v.page.getByLabel('Nickname').fill('lost')
  await v.page.keyboard.press('Enter')
  await v.page.getByRole('alert').waitFor()
  await v.page.getByRole('link').click()
  await v.page.locator('.start').waitFor()
  await v.leave()
})
