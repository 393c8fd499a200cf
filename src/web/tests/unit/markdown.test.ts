import { describe, expect, test } from 'vitest'
import { parse, plain, safeUrl, tame, type Block } from '@kith/markdown'

const par = (text: string) => {
  const [b, ...more] = parse(text)
  expect(more).toEqual([])
  if (b?.t !== 'par') throw new Error('no paragraph')
  return b.in
}

describe('M1: the subset of Markdown', () => {
  test('marks', () => {
    expect(par('**b** *i* _i_ ~~s~~ ||x|| `c`')).toEqual([
      { t: 'bold', in: [{ t: 'text', text: 'b' }] },
      { t: 'text', text: ' ' },
      { t: 'italic', in: [{ t: 'text', text: 'i' }] },
      { t: 'text', text: ' ' },
      { t: 'italic', in: [{ t: 'text', text: 'i' }] },
      { t: 'text', text: ' ' },
      { t: 'strike', in: [{ t: 'text', text: 's' }] },
      { t: 'text', text: ' ' },
      { t: 'spoiler', in: [{ t: 'text', text: 'x' }] },
      { t: 'text', text: ' ' },
      { t: 'code', text: 'c' },
    ])
    expect(par('**bold *and* more**')[0]).toMatchObject({ t: 'bold', in: [{ t: 'text' }, { t: 'italic' }, { t: 'text' }] })
  })
  test('what only looks like a mark is text', () => {
    for (const s of ['2 * 3 * 4', 'snake_case_name', '** no', 'a ** b', '`', '||', '[x](javascript:alert(1))', '# no heading', '<b>x</b>', '*'])
      expect(par(s).map((x) => (x.t === 'text' ? x.text : `<${x.t}>`)).join('')).toBe(s)
    expect(par('\\*not\\*')).toEqual([{ t: 'text', text: '*not*' }])
  })
  test('links lead to http and https alone, and show where', () => {
    expect(par('see https://a.example/x(y), ok')[1]).toEqual({ t: 'link', href: 'https://a.example/x(y)', text: 'https://a.example/x(y)', plain: true })
    expect(par('[words](https://a.example/)')[0]).toEqual({ t: 'link', href: 'https://a.example/', text: 'words', plain: false })
    expect(par('看https://a.example/。')[1]).toMatchObject({ href: 'https://a.example/' })
    for (const s of ['javascript:alert(1)', 'data:text/html,x', 'https://user:pw@a.example/', ' vbscript:x', 'file:///etc/passwd', 'blob:https://a.example/x'])
      expect(safeUrl(s)).toBeUndefined()
  })
  test('blocks', () => {
    expect(parse('```js\na < b\n```\n> q\n> > deeper\n\n- a\n- b\n3. c').map((b: Block) => b.t)).toEqual(['pre', 'quote', 'list', 'list'])
    expect(parse('```\nnever closed')).toEqual([{ t: 'par', in: [{ t: 'text', text: '```' }, { t: 'break' }, { t: 'text', text: 'never closed' }] }])
    expect(parse('1. a\n2. b')[0]).toMatchObject({ t: 'list', ordered: true, start: 1, items: [[{ text: 'a' }], [{ text: 'b' }]] })
    expect(parse('')).toEqual([])
  })
  test('mentions', () => {
    expect(par('hi @ada_1, and mail@example.org').filter((x) => x.t === 'mention')).toEqual([{ t: 'mention', name: 'ada_1' }])
  })
  test('in one line', () => {
    expect(plain('**a**\n> b\n- c ||d||')).toBe('a b c ▮▮▮')
  })
})

describe('hostile texts', () => {
  const floods: Record<string, string> = {
    stars: '*'.repeat(8000),
    'open bold': '**a '.repeat(2000),
    brackets: '['.repeat(8000),
    links: '[a]('.repeat(2000),
    quotes: '>'.repeat(8000),
    'quoted lines': '> '.repeat(20).concat('x\n').repeat(190),
    ticks: '`'.repeat(7999),
    underscores: '_a_'.repeat(2600),
    spoilers: '||'.repeat(4000),
    lists: '- x\n'.repeat(2000),
    urls: 'http://'.repeat(1100),
    mixed: '**_~~||'.repeat(1100),
    marks: 'a' + '\u0301'.repeat(7999),
    zero: '\u200b'.repeat(8000),
  }
  for (const [name, text] of Object.entries(floods))
    test(`${name} end soon`, () => {
      const began = process.cpuUsage()
      const tree = parse(tame(text))
      expect(process.cpuUsage(began).user / 1000).toBeLessThan(400)
      expect(JSON.stringify(tree).length).toBeLessThan(1_500_000)
    })
  test('the nesting has an end', () => {
    const depth = (bs: readonly Block[]): number => Math.max(0, ...bs.map((b) => (b.t === 'quote' ? 1 + depth(b.in) : 0)))
    expect(depth(parse('>'.repeat(100) + 'x'))).toBeLessThanOrEqual(8)
  })
  test('no text is lost, whatever the bytes', () => {
    const said = (v: unknown): string => {
      if (Array.isArray(v)) return v.map(said).join('')
      if (typeof v !== 'object' || v === null) return ''
      const o = v as Record<string, unknown>
      return [o['lang'], o['text'], o['name']].filter((x) => typeof x === 'string').join('') + said(o['in']) + said(o['items'])
    }
    let seed = 7
    const dice = (n: number): number => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) % n
    const alphabet = '**__~~||``[]()<>\\\n->1. ahttp://@😀\u202e'
    for (let i = 0; i < 3000; i++) {
      const text = Array.from({ length: dice(60) }, () => alphabet[dice(alphabet.length)]).join('')
      const letters = (s: string): string => s.replace(/[^aht]/g, '')
      const tree = parse(text)
      const hidden = [...JSON.stringify(tree).matchAll(/"plain":false/g)].length
      if (hidden === 0) expect(letters(said(tree))).toBe(letters(text))
    }
  })
  test('bidi overrides are taken out', () => {
    expect(tame('evil\u202egpj.exe')).toBe('evilgpj.exe')
    expect(tame('e\u0301\u0301\u0301\u0301\u0301\u0301')).toBe('e\u0301\u0301\u0301\u0301')
  })
})
