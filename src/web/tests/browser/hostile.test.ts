import type { Browser } from 'playwright-core'
import { expect, test } from 'vitest'
import { Visitor } from '../harness/browser'
import type { Node } from '../harness/node'
import { twoNodes } from '../harness/two'

/*
 * What strangers would like a message, a name or a link to do. Everything is sent by a program, as any client may send
 * it; what is asked is that it shows, harmlessly, and that nothing else happens: no script runs, nothing is asked of
 * anybody, nothing leaves its line, the page stays as quick as it was.
 */
let browser: Browser
let one: Node
let two: Node
twoNodes((...all) => ([browser, one, two] = all))

const scripts = [
  '<script>window.hit=1</script>',
  '<img src=x onerror="window.hit=1">',
  '<svg onload="window.hit=1"><a xlink:href="javascript:window.hit=1">x</a></svg>',
  '<iframe srcdoc="<script>parent.hit=1</script>"></iframe>',
  '"><style>*{display:none!important}</style>',
  '[press](javascript:window.hit=1)',
  '[press](JaVaScRiPt:window.hit=1)',
  '[press](\tjava\nscript:window.hit=1)',
  '[press](data:text/html,<script>window.hit=1</script>)',
  '[press](vbscript:window.hit=1)',
  '![x](https://tracker.example/pixel.png)',
  '`<script>window.hit=1</script>`',
  '```html\n<script>window.hit=1</script>\n```',
  '> <img src=x onerror=window.hit=1>',
  '**<b onmouseover=window.hit=1>x</b>**',
  '||<img src=x onerror=window.hit=1>||',
  '{{constructor.constructor("window.hit=1")()}} ${window.hit=1} <%= hit %>',
  '__proto__ constructor toString',
]
const confusing = [
  'before \u202Egnp.exe\u202C after',
  '\u2066\u2067\u2068\u2069 isolates \u200F\u200E marks',
  'zero\u200Bwidth\u200C\u200D\uFEFF joiners',
  'Z\u0351\u036B\u0343\u032A'.repeat(3) + 'a' + '\u0300'.repeat(400) + ' tower',
  '\u0000'.replace('\u0000', '') + 'bell \u0007 escape \u001B[31m red',
  'https://аpple.example/ with a Cyrillic a',
  'https://user:pass@evil.example@good.example/',
  '@all @here @everyone @"; drop',
]
const large = [
  '> '.repeat(1500) + 'deep',
  '**'.repeat(2000),
  '[['.repeat(2000) + ']('.repeat(900),
  '||'.repeat(2500),
  '- '.repeat(2000) + 'x',
  '`'.repeat(4000),
  '*_~'.repeat(1300) + 'x' + '~_*'.repeat(1000),
  'W'.repeat(7900),
  '\n'.repeat(4000) + 'far below',
  '\u200B'.repeat(2500) + 'x',
  '👨‍👩‍👧‍👦'.repeat(300),
  '(https://a.example/' + '('.repeat(3000) + ')',
]

test('hostile messages, names and links show harmlessly, on another server too', async () => {
  const ada = await Visitor.come(browser, one.url)
  await ada.register('ada')
  await ada.newGroup('"><script>window.hit=1</script>')
  const [, , group = '', panel = ''] = new URL(ada.page.url()).pathname.split('/')
  const link = await ada.invite()
  const ben = await Visitor.come(browser, two.url)
  await ben.register('ben')
  await ben.page.goto(two.url + '/invite' + new URL(link).hash)
  await ben.composer.waitFor()

  const call = async (method: string, params: object): Promise<unknown> =>
    ada.page.evaluate(
      async ([m, p, csrf]) => {
        const first = await fetch('/api/v1/account.me', { method: 'POST', headers: { 'Content-Type': 'application/json', 'X-Kith-Cookie': '1' }, body: '{}' })
        const r = await fetch('/api/v1/' + m, { method: 'POST', headers: { 'Content-Type': 'application/json', 'X-Kith-CSRF': first.headers.get('X-Kith-CSRF') ?? csrf ?? '' }, body: JSON.stringify(p) })
        const body = (await r.json()) as unknown
        if (!r.ok) throw new Error(`${m}: ${JSON.stringify(body)}`)
        return body
      },
      [method, params, ''] as const,
    )
  for (const text of [...scripts, ...confusing, ...large]) await call('message.send', { group, panel, text })
  await call('panel.set', { group, panel, key: 'topic', value: '<img src=x onerror=window.hit=1> \u202Ecipot' })
  await call('group.set', { group, key: 'description', value: '<script>window.hit=1</script>' })
  await call('account.profile', { status: '"><img src=x onerror=window.hit=1>\u202E', bio: '<svg/onload=window.hit=1>\n'.repeat(10), pronouns: '<b>they</b>' })
  await call('message.send', { group, panel, text: 'the last one' })

  for (const v of [ada, ben]) {
    await v.message('the last one').waitFor()
    // all of it, from the end to the beginning
    for (let i = 0; i < 60 && !(await v.page.getByText('This is the beginning').isVisible()); i++) {
      await v.page.mouse.move(700, 400)
      await v.page.mouse.wheel(0, -2500)
      await v.page.waitForTimeout(60)
    }
    await v.page.getByText('This is the beginning').waitFor()
    const bad = await v.page.evaluate(() => ({
      hit: (globalThis as { hit?: number }).hit,
      elements: [...document.querySelectorAll('#log script, #log iframe, #log svg[onload], #log style, #log img:not(.avatar), #log [onerror], #log [onmouseover], #log object, #log embed')].length,
      links: [...document.querySelectorAll<HTMLAnchorElement>('#log a[href]')].filter((x) => !/^https?:$/.test(x.protocol)).map((x) => x.href),
      rel: [...document.querySelectorAll<HTMLAnchorElement>('#log a[target=_blank]')].filter((x) => !x.rel.includes('noopener') || !x.rel.includes('noreferrer')).length,
      wide: document.documentElement.scrollWidth - innerWidth,
    }))
    expect(bad).toEqual({ hit: undefined, elements: 0, links: [], rel: 0, wide: 0 })
    // nothing that turns the direction of what stands beside it
    expect(await v.page.evaluate(() => /[\u202A-\u202E]/.test(document.querySelector('header .topic, .chat > header')?.textContent ?? ''))).toBe(false)
  }
  await ben.page.locator('article.message .name').last().click()
  await ben.page.getByRole('dialog').getByText('<svg/onload=window.hit=1>').first().waitFor()
  expect(await ben.page.evaluate(() => (globalThis as { hit?: number }).hit)).toBeUndefined()
  await ben.page.keyboard.press('Escape')
  // still quick
  await ada.page.reload()
  await ada.message('the last one').waitFor()
  const began = Date.now()
  await ben.say('still here')
  await ada.message('still here').waitFor()
  expect(Date.now() - began).toBeLessThan(5000)
  await ada.leave()
  await ben.leave()
})
