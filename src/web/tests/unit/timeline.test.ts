import { describe, expect, test } from 'vitest'
import { justBefore, MemoryStore, merge, Outbox, Timeline, type Message, type Method } from '@kith/client'
import { Rows } from '../../app/screens/chat/rows'
import { TestEnv } from '../harness/env'

const DAY = 86_400_000
const noon = new Date(2026, 4, 5, 12).getTime()

function message(n: number, more: Partial<Message> = {}): Message {
  return {
    id: `id${n}`, kind: 'message', author: 'ada#0001', uid: 'ada', text: `text ${n}`, clock: noon + n * 1000, order: String(n).padStart(6, '0'), node: 'n', seq: n,
    edited: false, late: false, state: 'visible', reply: null, reactions: [], pinned: false, ...more,
  }
}

const rows: Rows['make'] = (...all) => new Rows().make(...all)

function timeline(all: readonly Message[], asked: (limit: number) => void = () => undefined): Timeline {
  const outbox = new Outbox(new TestEnv(), new MemoryStore(), async () => undefined)
  const call = async (_m: Method, p: { before?: string; limit?: number }): Promise<unknown> => {
    asked(p.limit ?? 50)
    const upTo = all.filter((m) => p.before === undefined || m.order < p.before)
    const messages = upTo.slice(-(p.limit ?? 50))
    const more = messages.length < upTo.length
    return { messages, more, before: more ? messages[0]?.order : null }
  }
  return new Timeline('g', 'p', call as never, new MemoryStore(), outbox)
}

describe('a panel', () => {
  test('merging keeps the order, and the second form of one message', () => {
    const a = [1, 3, 5].map((n) => message(n))
    const b = [2, 3, 6].map((n) => message(n, { edited: true }))
    expect(merge(a, b).map((m) => `${m.seq}${m.edited ? 'e' : ''}`)).toEqual(['1', '2e', '3e', '5', '6e'])
  })
  test('pages go back to the beginning', async () => {
    const t = timeline(Array.from({ length: 230 }, (_, i) => message(i)))
    await t.refresh()
    expect(t.messages.value.length).toBe(50)
    while (!t.atBeginning.value) await t.older()
    expect(t.messages.value.map((m) => m.seq)).toEqual(Array.from({ length: 230 }, (_, i) => i))
  })
  test('order of arrival does not matter; what is late is told and put in its place', async () => {
    const t = timeline([message(1), message(9)])
    await t.refresh()
    t.take(message(12))
    t.take(message(4, { late: true }))
    t.take(message(3, { late: true }))
    t.take(message(12))
    expect(t.messages.value.map((m) => m.seq)).toEqual([1, 3, 4, 9, 12])
    expect(t.late.value).toEqual({ count: 2, first: '000003' })
    t.take(message(4, { state: 'hidden' }))
    expect(t.messages.value.map((m) => m.seq)).toEqual([1, 3, 9, 12])
  })
  test('what lies above the loaded part does not make a hole', async () => {
    const t = timeline(Array.from({ length: 100 }, (_, i) => message(i * 2)))
    await t.refresh()
    t.take(message(3))
    expect(t.messages.value[0]?.seq).toBe(100)
  })
  test('who comes back asks for what is new, and for more only if it is not where it should be', async () => {
    const all = Array.from({ length: 90 }, (_, i) => message(i * 2))
    const asked: number[] = []
    const t = timeline(all, (limit) => void asked.push(limit))
    await t.refresh()
    await t.older()
    all.push(message(200), message(202))
    await t.refresh(2)
    expect(asked).toEqual([50, 100, 3])
    expect(t.messages.value.map((m) => m.seq)).toEqual(all.map((m) => m.seq))
    // two more, of which one came in far above: it is found there
    all.push(message(204))
    all.splice(11, 0, message(21))
    await t.refresh(2)
    expect(asked.slice(3)).toEqual([3, 50, 100])
    expect(t.messages.value.map((m) => m.seq)).toEqual(all.map((m) => m.seq))
    // what was pushed already and is counted again changes nothing
    await t.refresh(1)
    expect(t.messages.value.map((m) => m.seq)).toEqual(all.map((m) => m.seq))
  })
  test('lines: days, heads, the unread line, what is pending', () => {
    const r = rows([message(1), message(2), message(3, { uid: 'ben' }), message(4, { clock: noon + DAY })], [], true, '000002', 'ada')
    expect(r.map((x) => (x.is === 'message' ? `${x.m.seq}${x.head ? 'h' : ''}` : x.is))).toEqual(['beginning', 'day', '1h', '2', 'new', '3h', 'day', '4h'])
  })
})

describe('the outbox', () => {
  const open = async (send: (text: string) => Promise<void>, store = new MemoryStore()) => {
    const o = new Outbox(new TestEnv(), store, (p) => send(p.text))
    await o.load()
    return { o, store }
  }
  test('keeps the order, and everything until it is said', async () => {
    const said: string[] = []
    let up = false
    const { KithError } = await import('@kith/client')
    const { o, store } = await open(async (text) => {
      if (!up) throw new KithError('network', 'away')
      said.push(text)
    })
    for (const x of ['a', 'b', 'c']) await o.add('g', 'p', x)
    expect(o.pending.value.length).toBe(3)
    const again = await open(async (text) => void said.push(text), store)
    expect(again.o.pending.value.map((p) => p.text)).toEqual(['a', 'b', 'c'])
    up = true
    await again.o.flush()
    expect(said).toEqual(['a', 'b', 'c'])
    expect(await store.all('outbox')).toEqual([])
    await o.flush()
    expect(said).toEqual(['a', 'b', 'c'])
  })
  test('what fails for good stands aside, can be tried again or thrown away', async () => {
    const { KithError } = await import('@kith/client')
    const said: string[] = []
    let allow = false
    const { o, store } = await open(async (text) => {
      if (text === 'bad' && !allow) throw new KithError('denied', 'you may not')
      said.push(text)
    })
    const bad = await o.add('g', 'p', 'bad')
    await o.add('g', 'p', 'good')
    await o.flush()
    expect(said).toEqual(['good'])
    expect(o.pending.value).toMatchObject([{ text: 'bad', failed: 'you may not' }])
    allow = true
    await o.retry(bad.txn)
    expect(said).toEqual(['good', 'bad'])
    allow = false
    const other = await o.add('g', 'p', 'bad')
    await o.flush()
    await o.discard(other.txn)
    expect(o.pending.value).toEqual([])
    expect(await store.all('outbox')).toEqual([])
  })
  test('right before a place', () => {
    const order = '0000019a2b3c0000.00000000000000a0'
    expect(justBefore(order)).toBe('0000019a2b3c0000.000000000000009f')
    expect(justBefore('0000019a2b3c0000.0000000000000000')).toBe('0000019a2b3bffff.ffffffffffffffff')
    expect(justBefore(order) < order).toBe(true)
    expect(justBefore('0000000000000000.0000000000000000')).toBe('0000000000000000.0000000000000000')
  })
})

test('lines that are remembered are those that would be made anew, whatever comes and goes', () => {
  let seed = 11
  const dice = (n: number): number => (seed = (seed * 1103515245 + 12345) % 2147483648) % n
  const made = (): Message => {
    const n = dice(5000)
    return message(n, { clock: noon + n * 97_000, uid: dice(3) === 0 ? 'ben' : 'ada' })
  }
  const maker = new Rows()
  let all: readonly Message[] = []
  for (let i = 0; i < 600; i++) {
    const m = made()
    const at = all.findIndex((x) => x.order === m.order)
    if (dice(9) === 0 && all.length > 0) all = all.toSpliced(dice(all.length), 1)
    else if (dice(20) === 0) all = all.slice(dice(all.length + 1))
    else all = at >= 0 ? all.with(at, m) : merge(all, [m])
    const from = dice(4) === 0 ? undefined : String(dice(5000)).padStart(6, '0')
    expect(maker.make(all, [], dice(2) === 0, from, 'ben').filter((r) => r.is !== 'beginning')).toEqual(rows(all, [], false, from, 'ben'))
  }
})
