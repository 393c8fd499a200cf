import type { Browser, CDPSession } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launch, Visitor } from '../harness/browser'
import { register, type Person } from '../harness/env'
import { Node } from '../harness/node'

// PRODUCT 7.1: a panel with very many messages, in a real browser against a real node. KITH_MESSAGES: how many.

const MANY = Number(process.env['KITH_MESSAGES'] ?? 100_000)
let browser: Browser
let node: Node
let ben: Person
let ada: Visitor
let cdp: CDPSession
let group = ''
let panel = ''

const p95 = (all: readonly number[]): number => [...all].sort((a, b) => a - b)[Math.floor(all.length * 0.95)] ?? 0
const say = (what: string): void => void process.stdout.write(`  ${what}\n`)

beforeAll(async () => {
  browser = await launch()
  node = await Node.start('one')
  ada = await Visitor.come(browser, node.url)
  await ada.register('ada')
  await ada.newGroup('Much')
  ;[, , group = '', panel = ''] = new URL(ada.page.url()).pathname.split('/')
  const link = await ada.invite()
  ben = await register(node.url, 'ben')
  await ben.a.call('group.join', { link })
  ben.a.end()
  const words = 'the tide comes in at six and goes out again before noon so be there early and bring the **long** rope'.split(' ')
  let sent = 0
  await Promise.all(
    Array.from({ length: 24 }, async () => {
      while (sent < MANY) {
        const i = sent++
        await ben.http.call('message.send', { group, panel, text: `${i}: ${words.slice(0, 3 + (i % 17)).join(' ')}` })
      }
    }),
  )
  await ben.http.call('message.send', { group, panel, text: 'the last of them' })
  cdp = await ada.context.newCDPSession(ada.page)
})
afterAll(async () => {
  await browser?.close()
  await node?.stop()
})

interface Trace {
  readonly name: string
  readonly ph: string
  readonly ts: number
  readonly dur?: number
  readonly pid: number
  readonly tid: number
  readonly args?: { name?: string }
}

// What ends the main thread's part of a frame.
const FRAME = 'Commit'

// What the page's main thread did while f ran: work from one frame to the next, and the longest task, in ms.
async function watched(f: () => Promise<void>): Promise<{ frames: number[]; longest: number }> {
  await browser.startTracing(ada.page, { categories: ['toplevel', 'devtools.timeline', 'disabled-by-default-devtools.timeline', '__metadata'] })
  await f()
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: Trace[] }
  const main = new Set(traceEvents.filter((e) => e.name === 'thread_name' && e.args?.name === 'CrRendererMain').map((e) => `${e.pid}/${e.tid}`))
  const mine = traceEvents.filter((e) => main.has(`${e.pid}/${e.tid}`))
  const busiest = [...main].map((id) => [id, mine.filter((e) => `${e.pid}/${e.tid}` === id && e.name === FRAME).length] as const).sort((a, b) => b[1] - a[1])[0]?.[0]
  const events = mine.filter((e) => `${e.pid}/${e.tid}` === busiest)
  const begins = events.filter((e) => e.name === FRAME).map((e) => e.ts).sort((a, b) => a - b)
  const tasks = events.filter((e) => e.name === 'RunTask').map((e) => ({ at: e.ts, dur: (e.dur ?? 0) / 1000 }))
  const frames = begins.slice(1).map(() => 0)
  for (const t of tasks) {
    let i = begins.findLastIndex((b) => b <= t.at)
    if (i >= frames.length) i = frames.length - 1
    if (i >= 0) frames[i] = (frames[i] ?? 0) + t.dur
  }
  if (frames.length === 0) throw new Error(`the trace has no ${FRAME} events`)
  return { frames, longest: Math.max(0, ...tasks.map((t) => t.dur)) }
}

async function heap(): Promise<number> {
  await cdp.send('HeapProfiler.collectGarbage')
  const { usedSize } = await cdp.send('Runtime.getHeapUsage')
  return usedSize / 1e6
}

test('a panel is read back to its beginning: frames stay short and the heap small', async () => {
  await ada.page.goto(`${node.url}/g/${group}/${panel}`)
  await ada.message('the last of them').waitFor()
  const box = await ada.page.locator('.scroller').boundingBox()
  await ada.page.mouse.move((box?.x ?? 0) + 200, (box?.y ?? 0) + 200)
  const wheel = async (ms: number, by: number): Promise<void> => {
    const end = Date.now() + ms
    while (Date.now() < end) await ada.page.mouse.wheel(0, by)
  }
  const first = await watched(() => wheel(5000, -600))
  say(`scrolling up, loading: ${first.frames.length} frames, work p95 ${p95(first.frames).toFixed(1)} ms, longest task ${first.longest.toFixed(1)} ms`)
  const all = Date.now()
  await ada.page.evaluate(async () => {
    const s = document.querySelector('.scroller')
    if (s === null) return
    while (document.querySelector('.beginning') === null) {
      s.scrollTop = 0
      await new Promise((r) => setTimeout(r, 4))
    }
  })
  say(`everything loaded after ${((Date.now() - all) / 1000).toFixed(1)} s, heap ${(await heap()).toFixed(0)} MB`)
  const down = await watched(() => wheel(5000, 3000))
  say(`scrolling through all of it: ${down.frames.length} frames, work p95 ${p95(down.frames).toFixed(1)} ms, longest task ${down.longest.toFixed(1)} ms`)
  const used = await heap()
  say(`heap ${used.toFixed(0)} MB`)
  expect(p95(first.frames)).toBeLessThanOrEqual(8)
  expect(p95(down.frames)).toBeLessThanOrEqual(8)
  expect(Math.max(first.longest, down.longest)).toBeLessThanOrEqual(50)
  expect(used).toBeLessThanOrEqual(80)
})

test('keys are answered while fifty messages a second arrive', async () => {
  await ada.page.locator('.jump').click().catch(() => undefined)
  await ada.composer.focus()
  await ada.page.evaluate(() => {
    const took: number[] = []
    Object.assign(window, { took })
    let at = 0
    addEventListener('keydown', (e) => (at = e.timeStamp), true)
    addEventListener('input', () => took.push(performance.now() - at))
  })
  let stop = false
  const talking = (async () => {
    for (let i = 0; !stop; i++) {
      const next = Date.now() + 20
      await ben.http.call('message.send', { group, panel, text: `meanwhile ${i}` })
      await new Promise((r) => setTimeout(r, Math.max(0, next - Date.now())))
    }
  })()
  const busy = await watched(() => ada.composer.pressSequentially('how quickly does a letter come when others talk so much at once '.repeat(2), { delay: 60 }))
  stop = true
  await talking
  const took = await ada.page.evaluate(() => (window as unknown as { took: number[] }).took)
  say(`${took.length} keys: to the end of the handler p95 ${p95(took).toFixed(1)} ms; frames p95 ${p95(busy.frames).toFixed(1)} ms, longest task ${busy.longest.toFixed(1)} ms`)
  expect(took.length).toBeGreaterThan(100)
  expect(p95(took)).toBeLessThanOrEqual(16)
})
