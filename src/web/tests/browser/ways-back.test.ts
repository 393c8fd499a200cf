import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launch, Visitor } from '../harness/browser'
import { Node } from '../harness/node'
import { Post } from '../harness/post'

let browser: Browser
let post: Post
let node: Node
let silent: Node
beforeAll(async () => {
  browser = await launch()
  post = await Post.open()
  node = await Node.startTimed('post', ...post.options)
  silent = await Node.start('silent')
})
afterAll(async () => {
  await browser?.close()
  await node?.stop()
  await silent?.stop()
  post?.close()
})

async function confirmed(v: Visitor, email: string): Promise<void> {
  await v.page.goto(node.url + '/settings/account')
  await v.page.getByLabel('E-mail address').fill(email)
  await v.page.getByLabel('Present password').first().fill('correct horse battery')
  await v.page.getByRole('button', { name: 'Send a code' }).click()
  await v.page.getByText(`on its way to ${email}`).waitFor()
}

test('A6 A1: an address is confirmed by the code that was sent to it, and signs in from then on', async () => {
  const v = await Visitor.come(browser, node.url)
  await v.register('ada')
  await confirmed(v, 'ada@home.example')
  await v.axe('code')
  await v.page.getByLabel('Code from the mail').fill('000000')
  await v.page.getByRole('button', { name: 'Confirm' }).click()
  await v.page.getByText('that code is wrong').waitFor()
  await v.page.getByLabel('Code from the mail').fill(await post.code('ada@home.example'))
  await v.page.getByRole('button', { name: 'Confirm' }).click()
  await v.page.getByText('go to ada@home.example').waitFor()
  await v.leave()

  const again = await Visitor.come(browser, node.url)
  await again.login('Ada@Home.example')
  await again.page.goto(node.url + '/settings/account')
  await again.page.getByText('go to ada@home.example').waitFor()
  await again.leave()
})

test('A5: a forgotten password is replaced with a code by mail; other sessions end; an unknown address gets the same answer', async () => {
  const old = await Visitor.come(browser, node.url)
  await old.register('bea')
  await confirmed(old, 'bea@home.example')
  await old.page.getByLabel('Code from the mail').fill(await post.code('bea@home.example'))
  await old.page.getByRole('button', { name: 'Confirm' }).click()
  await old.page.getByText('go to bea@home.example').waitFor()

  const v = await Visitor.come(browser, node.url, { lang: 'zh-CN', phone: true })
  await v.page.goto(node.url + '/')
  const ask = async (email: string): Promise<void> => {
    await v.page.getByRole('button', { name: '忘记密码？' }).click()
    await v.page.getByLabel('邮箱').fill(email)
    await v.page.getByRole('button', { name: '发送验证码' }).click()
    await v.page.getByText('如果该邮箱属于此处的账号').waitFor()
  }
  const choose = async (code: string): Promise<void> => {
    await v.page.getByLabel('邮件中的验证码').fill(code)
    await v.page.getByLabel('新密码').fill('another horse')
    await v.page.getByRole('button', { name: '使用这个密码' }).click()
  }
  await ask('nobody@home.example')
  await v.axe('forgotten')
  await choose('123456')
  await v.page.getByText('验证码错误或已失效').waitFor()
  expect(post.mails.filter((m) => m.to === 'nobody@home.example')).toEqual([])
  await v.page.getByRole('button', { name: /我有账号|已有账号/ }).click()

  node.moveClock(61_000) // a code is sent once a minute
  await ask('bea@home.example')
  await choose(await post.code('bea@home.example', 2))
  await v.page.locator('.tabs').waitFor()
  await old.page.locator('.entry').waitFor()
  await v.leave()
  await old.context.close()
})

test('A11: the recovery key opens the account on a clean browser', async () => {
  const first = await Visitor.come(browser, silent.url)
  await first.page.goto(silent.url + '/')
  await first.page.locator('.ways button', { hasText: 'I am new here' }).click()
  const fields = first.page.locator('.entry input')
  await fields.nth(0).fill('cleo')
  await fields.nth(1).fill('correct horse battery')
  await first.page.locator('.entry button.main').click()
  const key = (await first.page.locator('dialog .kit').innerText()).trim()
  expect(key).toMatch(/^[a-z2-7]{52}$/)
  await first.page.locator('dialog button.main').click()
  await first.newGroup('Mine')

  const fresh = await Visitor.come(browser, silent.url)
  await fresh.page.goto(silent.url + '/')
  await fresh.page.getByRole('button', { name: 'Forgotten password?' }).click()
  // this server sends no mail, so there is one way
  await fresh.page.getByText('The recovery key that you kept').waitFor()
  expect(await fresh.page.getByRole('button', { name: 'by mail' }).count()).toBe(0)
  await fresh.axe('recovery')
  await fresh.page.getByLabel('Name').fill('cleo')
  await fresh.page.getByLabel('Recovery key').fill('a'.repeat(52))
  await fresh.page.getByLabel('New password').fill('another horse')
  await fresh.page.getByRole('button', { name: 'Choose this password' }).click()
  await fresh.page.getByText('do not go together').waitFor()
  await fresh.page.getByLabel('Recovery key').fill(key.toUpperCase().replace(/(.{4})/g, '$1 '))
  await fresh.page.getByRole('button', { name: 'Choose this password' }).click()
  await fresh.page.locator('.rail .tile[title="Mine"]').waitFor()
  await fresh.leave()

  // the first browser was signed out
  await first.page.getByText('You were signed out').or(first.page.locator('.entry')).first().waitFor()
  await first.context.close()
})

test('A4: a guest may give an address when claiming the name', async () => {
  const host = await Visitor.come(browser, node.url)
  await host.register('host')
  await host.newGroup('Door')
  const link = await host.invite()
  const guest = await Visitor.come(browser, node.url)
  await guest.page.goto(link)
  await guest.page.locator('.entry input').first().fill('visitor')
  await guest.page.locator('.entry button.main').click()
  await guest.composer.waitFor()
  await guest.page.locator('.bar.claim button').click()
  await guest.page.getByLabel('Password').fill('correct horse battery')
  await guest.page.getByLabel('E-mail (if you like)').fill('visitor@home.example')
  await guest.page.locator('dialog button.main').click()
  await guest.page.locator('dialog .kit').waitFor()
  await post.code('visitor@home.example')
  await guest.leave()
  await host.leave()
})
