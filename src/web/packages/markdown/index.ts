/*
 * The subset of Markdown that chat uses, as a tree and never as HTML: bold, italic, strike, spoiler,
 * code, links; blocks of code, quotes, lists. Anything else is the text it is. One pass over each
 * line; what opens and never closes is found by looking at most LOOK characters ahead, so that no
 * input takes longer than its length.
 */

export type Inline =
  | { readonly t: 'text'; readonly text: string }
  | { readonly t: 'code'; readonly text: string }
  | { readonly t: 'link'; readonly href: string; readonly text: string; readonly plain: boolean }
  | { readonly t: 'mention'; readonly name: string }
  | { readonly t: 'break' }
  | { readonly t: 'bold' | 'italic' | 'strike' | 'spoiler'; readonly in: readonly Inline[] }

export type Block =
  | { readonly t: 'par'; readonly in: readonly Inline[] }
  | { readonly t: 'pre'; readonly lang: string; readonly text: string }
  | { readonly t: 'quote'; readonly in: readonly Block[] }
  | { readonly t: 'list'; readonly ordered: boolean; readonly start: number; readonly items: readonly (readonly Inline[])[] }

const DEPTH = 8
const LOOK = 2000
const TRIES = 32 // marks that end nothing, before what they might have ended

const marks = [
  { mark: '**', t: 'bold' },
  { mark: '__', t: 'bold' },
  { mark: '~~', t: 'strike' },
  { mark: '||', t: 'spoiler' },
  { mark: '*', t: 'italic' },
  { mark: '_', t: 'italic' },
] as const

const word = /[\p{L}\p{N}_]/u
const urlStart = /^https?:\/\//i
const mentionAt = /^@[\p{L}\p{N}_.-]{1,64}(?:#\d{4,5})?/u

export function parse(text: string): readonly Block[] {
  return blocks(text.replace(/\r\n?/g, '\n').split('\n'), 0)
}

function blocks(lines: readonly string[], depth: number): readonly Block[] {
  const out: Block[] = []
  let par: string[] = []
  const endPar = (): void => {
    if (par.length > 0) out.push({ t: 'par', in: inline(par.join('\n'), 0) })
    par = []
  }
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? ''
    const fence = /^```([\w+#.-]{0,24})\s*$/.exec(line)
    if (fence !== null) {
      let end = i + 1
      while (end < lines.length && (lines[end] ?? '').trimEnd() !== '```') end++
      if (end < lines.length) {
        endPar()
        out.push({ t: 'pre', lang: fence[1] ?? '', text: lines.slice(i + 1, end).join('\n') })
        i = end
        continue
      }
    }
    if (line.startsWith('>') && depth < DEPTH) {
      let end = i
      while (end < lines.length && (lines[end] ?? '').startsWith('>')) end++
      endPar()
      out.push({ t: 'quote', in: blocks(lines.slice(i, end).map((l) => l.replace(/^> ?/, '')), depth + 1) })
      i = end - 1
      continue
    }
    const item = listItem(line)
    if (item !== undefined) {
      endPar()
      const items: (readonly Inline[])[] = []
      let end = i
      for (; end < lines.length; end++) {
        const next = listItem(lines[end] ?? '')
        if (next === undefined || next.ordered !== item.ordered) break
        items.push(inline(next.text, 0))
      }
      out.push({ t: 'list', ordered: item.ordered, start: item.start, items })
      i = end - 1
      continue
    }
    if (line.trim() === '') endPar()
    else par.push(line)
  }
  endPar()
  return out
}

function listItem(line: string): { ordered: boolean; start: number; text: string } | undefined {
  const m = /^\s{0,3}(?:([-*+])|(\d{1,6})[.)])\s+(\S.*)$/.exec(line)
  if (m === null) return undefined
  return { ordered: m[2] !== undefined, start: Number(m[2] ?? 1), text: m[3] ?? '' }
}

function inline(s: string, depth: number): readonly Inline[] {
  const out: Inline[] = []
  let text = ''
  const flush = (): void => {
    if (text !== '') out.push({ t: 'text', text })
    text = ''
  }
  for (let i = 0; i < s.length; ) {
    const c = s[i] ?? ''
    if (c === '\n') {
      flush()
      out.push({ t: 'break' })
      i++
      continue
    }
    if (c === '\\' && /[\\`*_~|[\]()>@-]/.test(s[i + 1] ?? '')) {
      text += s[i + 1] ?? ''
      i += 2
      continue
    }
    const special = c === '`' ? code(s, i) : c === '[' ? link(s, i) : c === 'h' || c === 'H' ? url(s, i) : c === '@' ? mention(s, i) : undefined
    const found = special ?? (depth < DEPTH ? marked(s, i, depth) : undefined)
    if (found !== undefined) {
      flush()
      out.push(found.node)
      i = found.end
      continue
    }
    text += c
    i++
  }
  flush()
  return out
}

interface Found {
  readonly node: Inline
  readonly end: number
}

function code(s: string, i: number): Found | undefined {
  const ticks = s.startsWith('``', i) ? '``' : '`'
  const end = near(s, ticks, i + ticks.length)
  if (end < 0 || end === i + ticks.length) return undefined
  return { node: { t: 'code', text: s.slice(i + ticks.length, end) }, end: end + ticks.length }
}

function link(s: string, i: number): Found | undefined {
  const mid = near(s, '](', i + 1)
  if (mid < 0) return undefined
  const end = near(s, ')', mid + 2)
  if (end < 0) return undefined
  const text = s.slice(i + 1, mid)
  const href = safeUrl(s.slice(mid + 2, end))
  if (href === undefined || text.trim() === '' || /[[\]\n]/.test(text)) return undefined
  return { node: { t: 'link', href, text, plain: false }, end: end + 1 }
}

function url(s: string, i: number): Found | undefined {
  if (!urlStart.test(s.slice(i, i + 8)) || /[A-Za-z0-9_]/.test(s[i - 1] ?? '')) return undefined
  let end = i
  while (end < s.length && end - i < LOOK && !/[\s<>"|]/.test(s[end] ?? '')) end++
  // what ends a sentence is not part of the address; a bracket is if it was opened in it
  for (;;) {
    const last = s[end - 1] ?? ''
    if (/[.,;:!?'*_~。，、；：！？”’」』）]/.test(last)) end--
    else if (last === ')' && !s.slice(i, end).includes('(')) end--
    else break
  }
  const text = s.slice(i, end)
  const href = safeUrl(text)
  return href === undefined ? undefined : { node: { t: 'link', href, text, plain: true }, end }
}

function mention(s: string, i: number): Found | undefined {
  if (i > 0 && word.test(s[i - 1] ?? '')) return undefined
  const m = mentionAt.exec(s.slice(i, i + 80))
  return m === null ? undefined : { node: { t: 'mention', name: m[0].slice(1) }, end: i + m[0].length }
}

function marked(s: string, i: number, depth: number): Found | undefined {
  for (const { mark, t } of marks) {
    if (!s.startsWith(mark, i)) continue
    const from = i + mark.length
    // a mark leans on what it marks; an underscore inside a word is a letter
    if (/\s/.test(s[from] ?? ' ')) continue
    if (mark.startsWith('_') && word.test(s[i - 1] ?? ' ')) continue
    let end = near(s, mark, from)
    for (let n = 0; end >= 0 && (/\s/.test(s[end - 1] ?? ' ') || (mark.length === 1 && s[end + 1] === mark)); n++)
      end = n < TRIES ? near(s, mark, end + (s[end + 1] === mark ? 2 : 1)) : -1
    if (end <= from) continue
    if (mark.startsWith('_') && word.test(s[end + mark.length] ?? ' ')) continue
    return { node: { t, in: inline(s.slice(from, end), depth + 1) }, end: end + mark.length }
  }
  return undefined
}

function near(s: string, what: string, from: number): number {
  const at = s.slice(from, from + LOOK).indexOf(what)
  return at < 0 ? -1 : from + at
}

// http and https alone, without a name and password in front of the host.
export function safeUrl(text: string): string | undefined {
  try {
    const u = new URL(text)
    return (u.protocol === 'https:' || u.protocol === 'http:') && u.username === '' && u.password === '' ? u.href : undefined
  } catch {
    return undefined
  }
}

// One line of it, for a list or a quotation.
export function plain(text: string): string {
  const words = (nodes: readonly Inline[]): string =>
    nodes.map((n) => (n.t === 'break' ? ' ' : n.t === 'mention' ? '@' + n.name : n.t === 'spoiler' ? '▮▮▮' : 'in' in n ? words(n.in) : n.text)).join('')
  const flat = (bs: readonly Block[]): string =>
    bs.map((b) => (b.t === 'par' ? words(b.in) : b.t === 'pre' ? b.text : b.t === 'quote' ? flat(b.in) : b.items.map(words).join(' '))).join(' ')
  return flat(parse(text)).replace(/\s+/g, ' ').trim()
}

/*
 * Text from strangers, made harmless to look at: what turns the writing direction around is taken
 * out, and so are marks that pile up on one letter.
 */
export function tame(text: string): string {
  return text.replace(/[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]/g, '').replace(/(\p{M}{4})\p{M}+/gu, '$1').replace(/[\u200b\u2060\ufeff]{3,}/g, '')
}
