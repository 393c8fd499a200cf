import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, test } from 'vitest'
import { launch, Visitor, type Look } from '../harness/browser'
import { Node } from '../harness/node'
import { png } from '../harness/png'
import { Post } from '../harness/post'

// Every screen in both schemes, at a desk and on a phone, in both languages, and sheets of them side by side.

const dir = process.env['KITH_SHOTS'] ?? 'shots'
const looks: readonly Required<Look>[] = (['en-US', 'zh-CN'] as const).flatMap((lang) => (['light', 'dark'] as const).flatMap((scheme) => [false, true].map((phone) => ({ lang, scheme, phone }))))
const nameOf = (l: Required<Look>): string => `${l.lang}-${l.scheme}-${l.phone ? 'phone' : 'desk'}`

let browser: Browser
let one: Node
let two: Node
let group = ''
let general = ''
let notices = ''
let direct = ''
let tides = ''
let shy = ''
let post: Post
let site: Server
let link = ''

beforeAll(async () => {
  mkdirSync(dir, { recursive: true })
  browser = await launch()
  post = await Post.open()
  site = createServer((req, res) => {
    if (req.url === '/shy') res.setHeader('X-Frame-Options', 'DENY')
    res.setHeader('Content-Type', 'text/html')
    res.end('<style>body{font:18px serif;margin:40px;background:#eef4f8}td{padding:6px 24px}</style><h1>Tides</h1><table><tr><td>06:12<td>3.4 m<tr><td>12:31<td>0.8 m<tr><td>18:40<td>3.3 m</table>')
  })
  await new Promise<void>((done) => site.listen(0, '127.0.0.1', done))
  one = await Node.start('Harbour', '--private-pages', 'yes', ...post.options)
  two = await Node.start('Lighthouse', '--peer', one.peer)
  await furnish()
})
afterAll(async () => {
  await browser?.close()
  await one?.stop()
  await two?.stop()
  post?.close()
  site?.close()
})

async function profile(v: Visitor, words: { nick: string; pronouns?: string; status: string; bio: string }): Promise<void> {
  await v.page.goto(v.url + '/settings/profile')
  const fields = v.page.locator('.settings .page form input')
  await fields.nth(0).fill(words.nick)
  await fields.nth(1).fill(words.pronouns ?? '')
  await fields.nth(2).fill(words.status)
  await v.page.locator('.settings .page form textarea').fill(words.bio)
  await v.page.locator('.settings .page form button.main').click()
  await v.page.locator('.toasts p').first().waitFor()
}

// A harbour that people live in: two servers, a group with panels, talk, a conversation, friends.
async function furnish(): Promise<void> {
  const ada = await Visitor.come(browser, one.url)
  await ada.register('ada')
  await profile(ada, { nick: 'Ada', pronouns: 'she/her', status: 'Mending nets', bio: 'I keep the harbour log.\nAsk me about the tide tables.' })
  await ada.page.goto(one.url + '/home')
  await ada.newGroup('Harbour club')
  ;[, , group = '', general = ''] = new URL(ada.page.url()).pathname.split('/')
  link = await ada.invite()
  for (const [name, kind] of [
    ['boats', 0],
    ['notices', 1],
  ] as const) {
    await ada.page.locator('.sidebar button.title').click()
    await ada.page.locator('[role=menuitem]').nth(1).click()
    await ada.page.locator('dialog input').first().fill(name)
    await ada.page.locator('dialog [type=radio]').nth(kind).check()
    await ada.page.locator('dialog button.main').click()
    await ada.page.locator('h1', { hasText: name }).waitFor()
  }
  // by another name than the node's
  const elsewhere = `http://localhost:${(site.address() as AddressInfo).port}`
  ada.elsewhere.add(elsewhere)
  const page = async (name: string, path: string): Promise<string> => {
    await ada.page.goto(one.url + `/g/${group}/${general}`)
    await ada.page.locator('.sidebar button.title').click()
    await ada.page.locator('[role=menuitem]').nth(1).click()
    await ada.page.locator('dialog [type=radio]').nth(2).check()
    await ada.page.locator('dialog .field input').nth(0).fill(name)
    await ada.page.locator('dialog .field input').nth(1).fill(elsewhere + path)
    await ada.page.locator('dialog button.main').click()
    if (path === '/shy') {
      await ada.page.locator('dialog .wrong').waitFor()
      await ada.page.locator('dialog button.main').click()
    }
    await ada.page.waitForURL(/\/w\//)
    return new URL(ada.page.url()).pathname
  }
  tides = await page('tides', '/')
  shy = await page('weather', '/shy')
  await ada.page.goto(one.url + '/settings/profile')
  const picture = async (at: number, w: number, h: number): Promise<void> => {
    await ada.page.locator('input[type=file]').nth(at).setInputFiles({ name: 'x.png', mimeType: 'image/png', buffer: png(w, h) })
    await ada.page.locator('dialog button.main').click()
    await ada.page.locator('dialog').waitFor({ state: 'detached' })
  }
  await picture(0, 700, 500)
  await ada.page.goto(one.url + `/g/${group}/settings/overview`)
  await picture(0, 1600, 480)
  await picture(1, 400, 400)
  await ada.page.locator('.tree a', { hasText: 'notices' }).click()
  await ada.page.locator('h1', { hasText: 'notices' }).waitFor()
  notices = new URL(ada.page.url()).pathname.split('/')[3] ?? ''
  await ada.say('The crane is out of order until **Monday**.')
  const ben = await Visitor.come(browser, two.url)
  await ben.register('ben')
  await profile(ben, { nick: 'Ben 本', status: '在灯塔值班', bio: '' })
  await ben.page.goto(two.url + '/invite' + new URL(link).hash)
  await ben.composer.waitFor()
  await ada.page.locator('.tree a').first().click()
  await ada.say('Good morning! Who has the key to the *boathouse*?')
  await ben.message('Good morning').waitFor()
  await ben.message('Good morning').hover()
  await ben.message('Good morning').locator('.hover button').nth(1).click()
  await ben.say('I do. I will bring it at nine, together with the tide table: https://example.org/tides')
  await ada.message('I do.').waitFor()
  await ada.say('> at nine\nPerfect. The list for today:\n- oil for the winch\n- two `M8` bolts\n- ||a surprise for cleo||')
  await ben.message('Perfect').waitFor()
  await ben.say('大家早上好！灯塔一切正常。@ada 你需要帮忙吗？')
  await ada.message('大家').waitFor()
  await ada.message('大家').focus()
  await ada.page.keyboard.press('+')
  await ada.page.getByRole('menuitem', { name: '❤️' }).click()
  await ada.say('```\nhigh 06:12  3.4 m\nlow  12:31  0.8 m\n```')
  const cleo = await Visitor.come(browser, one.url)
  await cleo.register('cleo')
  await cleo.page.goto(one.url + '/invite' + new URL(link).hash)
  await cleo.composer.waitFor()
  await cleo.say('What surprise?')
  await cleo.page.goto(one.url + '/friends')
  await cleo.page.locator('.find input').fill('ada')
  await cleo.page.locator('.find input').press('Enter')
  await cleo.page.locator('.toasts p').first().waitFor()
  await ben.page.goto(two.url + '/friends')
  await ben.page.locator('.find input').fill('ada@Harbour')
  await ben.page.locator('.find input').press('Enter')
  await ben.page.locator('.toasts p').first().waitFor()
  await ada.page.goto(one.url + '/friends/requests')
  await ada.page.locator('.friends li', { hasText: 'Ben' }).locator('button.main').click()
  await ada.page.goto(one.url + '/friends')
  await ada.page.locator('.friends li', { hasText: 'Ben' }).locator('button.plain').click()
  await ada.composer.waitFor()
  direct = new URL(ada.page.url()).pathname.split('/')[2] ?? ''
  await ada.say('Shall we paint the pier on Saturday?')
  await ben.page.locator('.tree a', { hasText: 'Ada' }).click()
  await ben.message('Shall we').waitFor()
  await ben.say('Yes. I have half a bucket of blue left.')
  await ada.message('Yes.').waitFor()
  await Promise.all([ada.leave(), cleo.leave(), ben.leave()])
}

for (const look of looks)
  test(nameOf(look), async () => {
    const v = await Visitor.come(browser, one.url, look)
    let n = 0
    const shoot = async (what: string): Promise<void> => {
      await v.page.waitForTimeout(350)
      await v.page.screenshot({ path: join(dir, `${nameOf(look)}-${String(++n).padStart(2, '0')}-${what}.png`) })
    }
    const see = async (path: string, ready: string, what: string): Promise<void> => {
      await v.page.goto(one.url + path)
      await v.page.locator(ready).first().waitFor()
      await shoot(what)
    }
    await see('/', '.entry form', 'entry')
    await v.page.locator('.ways button').last().click()
    await v.page.locator('.entry h2').waitFor()
    await shoot('forgotten')
    await v.page.locator('.ways button').first().click()
    await shoot('recovery-key')
    await see('/invite' + new URL(link).hash, '.entry form', 'invited')
    await v.login('ada')
    await see('/home', look.phone ? '.sidebar' : '.start', 'home')
    await see('/friends', '.friends', 'friends')
    await see('/friends/requests', '.friends', 'friend-requests')
    await see(`/g/${group}/${general}`, 'article.message', 'chat')
    await v.message('大家').focus()
    await v.page.keyboard.press('Enter')
    await shoot('message-menu')
    await v.page.locator('[role=menuitem]').filter({ has: v.page.locator('.icon') }).nth(2).click()
    await v.page.locator('dialog .proof').waitFor()
    await shoot('proof')
    await v.page.keyboard.press('Escape')
    await v.page.locator('.chat header button[aria-pressed]').last().click()
    await v.page.locator('.members .row').first().waitFor()
    await shoot('members')
    await v.page.locator('.members .row', { hasText: 'Ben' }).click()
    await v.page.locator('.person .own').waitFor()
    await shoot('person')
    await v.page.keyboard.press('Escape')
    await v.page.locator('.members header button').click()
    await v.page.keyboard.press('Control+k')
    await v.page.locator('dialog').waitFor()
    await shoot('switcher')
    await v.page.keyboard.press('Escape')
    await v.page.keyboard.press('Alt+i')
    await v.page.locator('dialog .qr').waitFor()
    await shoot('invite')
    await v.page.keyboard.press('Escape')
    await see(`/g/${group}?list`, '.tree', 'panels')
    await v.page.evaluate(([g, p]) => localStorage.setItem('kith.beside', `${g}/${p}`), [group, notices])
    await see(`/g/${group}/${general}`, 'article.message', 'pinned')
    if (look.phone) await see(`/g/${group}?list`, '.tree', 'pinned-tab')
    await v.page.evaluate(() => localStorage.removeItem('kith.beside'))
    await see(`/dm/${direct}`, 'article.message', 'conversation')
    for (const tab of ['profile', 'account', 'appearance', 'sessions', 'keys', 'about']) await see(`/settings/${tab}`, '.settings .page > *', `settings-${tab}`)
    await v.page.goto(one.url + '/settings/profile')
    await v.page.locator('input[type=file]').setInputFiles({ name: 'x.png', mimeType: 'image/png', buffer: png(900, 600) })
    await v.page.locator('dialog canvas').waitFor()
    await shoot('crop')
    await v.page.keyboard.press('Escape')
    await v.page.keyboard.press('Escape')
    await v.page.goto(one.url + '/settings/account')
    await v.page.locator('.settings .page .buttons button').nth(1).click()
    await v.page.locator('dialog .qr').waitFor()
    await shoot('handle')
    await v.page.keyboard.press('Escape')
    await see(tides, 'iframe', 'web-panel')
    await see(shy, '.chat.web .next', 'web-forbids')
    await see(`/g/${group}/settings/overview`, '.settings .page > *', 'group-overview')
    const tabs = await v.page.locator('.settings > nav a').evaluateAll((all) => all.map((a) => (a as HTMLAnchorElement).pathname))
    for (const to of tabs.slice(1)) await see(to, '.settings .page > *', `group-${to.split('/').pop()}`)
    await v.page.goto(one.url + `/g/${group}/settings/roles`)
    await v.page.locator('.settings .table button').nth(1).click()
    await v.page.locator('dialog .perms').waitFor()
    await shoot('role')
    await v.page.keyboard.press('Escape')
    await v.page.locator('.settings .page button.main').first().click()
    await v.page.locator('dialog .perms').waitFor()
    await shoot('new-role')
    await v.page.keyboard.press('Escape')
    await v.page.locator('.settings .table button').last().click()
    await v.page.locator('dialog > button, dialog button').filter({ has: v.page.locator('.icon') }).last().click()
    await v.page.locator('.bar').first().waitFor()
    await shoot('viewed-as')
    await see('/g/nothing/here', '.nowhere', 'nowhere')
    await v.context.setOffline(true)
    await see('/home', look.phone ? '.sidebar' : '.start', 'offline').catch(() => undefined)
    await v.context.close()
    await sheet(nameOf(look), look)
  })

// All pictures of one look on one sheet, made by the browser that took them.
async function sheet(name: string, look: Required<Look>): Promise<void> {
  const files = readdirSync(dir).filter((f) => f.startsWith(name + '-') && /-\d\d-/.test(f)).sort()
  const width = look.phone ? 260 : 426
  const page = await browser.newPage({ viewport: { width: look.phone ? 1640 : 1760, height: 900 } })
  const figures = files.map((f) => `<figure><img width=${width} src="data:image/png;base64,${readFileSync(join(dir, f)).toString('base64')}"><figcaption>${f.slice(name.length + 4, -4)}</figcaption></figure>`)
  await page.setContent(`<style>body{margin:8px;background:#888;display:flex;flex-wrap:wrap;gap:8px;font:12px sans-serif}figure{margin:0}img{display:block}</style>${figures.join('')}`)
  await page.screenshot({ path: join(dir, `sheet-${name}.png`), fullPage: true })
  await page.close()
}
