import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launch, Visitor } from '../harness/browser'
import { Node } from '../harness/node'

let browser: Browser
let one: Node
let two: Node
let site: Server
let at: string
const asked: { path: string; headers: Record<string, unknown> }[] = []
beforeAll(async () => {
  browser = await launch()
  one = await Node.start('one', '--private-pages', 'yes')
  two = await Node.start('two', '--private-pages', 'yes', '--peer', one.peer)
  site = createServer((req, res) => {
    asked.push({ path: req.url ?? '', headers: req.headers })
    if (req.url === '/never') res.setHeader('X-Frame-Options', 'DENY')
    res.setHeader('Content-Type', 'text/html')
    // what a page from elsewhere would like to do
    res.end(`<h1>From elsewhere</h1><p id=parent></p><script>
      let out = []
      try { out.push('read ' + parent.document.title) } catch { out.push('no reading') }
      try { parent.location = 'about:blank#taken'; out.push('asked to leave') } catch { out.push('no leaving') }
      try { out.push('referrer ' + (document.referrer || 'none')) } catch {}
      document.getElementById('parent').textContent = out.join(', ')
    </script>`)
  })
  await new Promise<void>((done) => site.listen(0, '127.0.0.1', done))
  // another name than the nodes': cookies and origins go by it
  at = `http://localhost:${(site.address() as AddressInfo).port}`
})
afterAll(async () => {
  await browser?.close()
  await one?.stop()
  await two?.stop()
  site?.close()
})

test('P4: a page stands in a panel, on both servers, and knows nothing of us', async () => {
  const ada = await Visitor.come(browser, one.url)
  const ben = await Visitor.come(browser, two.url)
  for (const v of [ada, ben]) v.elsewhere.add(at)
  await ada.register('ada')
  await ada.newGroup('Garden')
  const link = await ada.invite()
  await ben.register('ben')
  await ben.page.goto(two.url + '/invite' + new URL(link).hash)
  await ben.composer.waitFor()

  await ada.page.getByRole('button', { name: 'Garden' }).click()
  await ada.page.getByRole('menuitem', { name: 'New panel' }).click()
  await ada.page.getByLabel('Name of the panel').fill('wiki')
  await ada.page.getByLabel('Web page').check()
  await ada.page.getByLabel('Address of the page').fill(`${at}/wiki`)
  await ada.axe('new web panel')
  await ada.page.getByRole('button', { name: 'Create' }).click()
  await ada.page.waitForURL(/\/w\//)
  const frame = ada.page.frameLocator('iframe')
  await frame.getByText('From elsewhere').waitFor()
  await frame.getByText('no reading, no leaving, referrer none').waitFor()
  expect(new URL(ada.page.url()).origin).toBe(one.url)
  await ada.axe('web panel')

  await ben.page.locator('.tree a', { hasText: 'wiki' }).click()
  await ben.page.frameLocator('iframe').getByText('no reading, no leaving, referrer none').waitFor()
  await ben.page.reload()
  await ben.page.frameLocator('iframe').getByText('From elsewhere').waitFor()
  // and away again: a document that lets no frames in
  await ben.page.locator('.tree a', { hasText: 'general' }).click()
  await ben.composer.waitFor()
  expect(new URL(ben.page.url()).pathname.startsWith('/g/')).toBe(true)
  for (const a of asked) {
    expect(a.headers['cookie']).toBeUndefined()
    expect(a.headers['referer']).toBeUndefined()
  }
  await ada.leave()
  await ben.leave()
})

test('P4: a page that forbids embedding is said to, before it is made and where it would stand; ours is refused', async () => {
  const ada = await Visitor.come(browser, one.url)
  await ada.register('bea')
  await ada.newGroup('Shed')
  const asking = async (url: string): Promise<void> => {
    await ada.page.getByRole('button', { name: 'Shed' }).click()
    await ada.page.getByRole('menuitem', { name: 'New panel' }).click()
    await ada.page.getByLabel('Name of the panel').fill('page')
    await ada.page.getByLabel('Web page').check()
    await ada.page.getByLabel('Address of the page').fill(url)
    await ada.page.getByRole('button', { name: 'Create' }).click()
  }
  await asking(one.url + '/home')
  await ada.page.getByText('A page of this server cannot stand').waitFor()
  expect(await ada.page.getByRole('button', { name: 'Create' }).isDisabled()).toBe(true)
  await ada.page.keyboard.press('Escape')
  await asking(`${at}/never`)
  await ada.page.getByText('This page forbids embedding.').waitFor()
  await ada.page.getByRole('button', { name: 'Make it anyway' }).click()
  await ada.page.waitForURL(/\/w\//)
  await ada.page.getByRole('heading', { name: 'This page forbids embedding.' }).waitFor()
  expect(await ada.page.locator('iframe').count()).toBe(0)
  const tab = ada.page.getByRole('link', { name: 'Open in a tab' })
  expect(await tab.getAttribute('href')).toBe(`${at}/never`)
  expect(await tab.getAttribute('rel')).toContain('noopener')
  await ada.axe('a page that forbids')
  // anybody may write anything into a record: what is no page is no link either
  await ada.leave()
})

test('the policy lets frames in where a web panel is shown, and nowhere else', async () => {
  const policy = async (path: string): Promise<string> => (await fetch(one.url + path)).headers.get('content-security-policy') ?? ''
  expect(await policy('/w/x/y')).toContain('frame-src https: http:')
  for (const path of ['/', '/g/x/y', '/home', '/settings/profile', '/wx', '/w']) expect(await policy(path)).not.toContain('frame-src')
})
