import { computed, signal } from '@preact/signals'
import type en from '../../messages/en.json'

type Catalogue = typeof en
export type Key = keyof Catalogue
export type Lang = 'en' | 'zh-CN'
export const languages: readonly { readonly id: Lang; readonly name: string }[] = [
  { id: 'en', name: 'English' },
  { id: 'zh-CN', name: '中文' },
]

type Words = Partial<Record<Key, unknown>>
// Those of the first screen, and all others (scripts/i18n.mjs parts them).
const first: Record<Lang, () => Promise<{ default: Words }>> = {
  en: () => import('../../messages/en.first.gen.json'),
  'zh-CN': () => import('../../messages/zh-CN.first.gen.json'),
}
const rest: Record<Lang, () => Promise<{ default: Words }>> = {
  en: () => import('../../messages/en.rest.gen.json'),
  'zh-CN': () => import('../../messages/zh-CN.rest.gen.json'),
}
let whole = false

export const lang = signal<Lang>('en')
const catalogue = signal<Words>({})
const plurals = computed(() => new Intl.PluralRules(lang.value))

// One that is chosen here before, else the first of the browser's that there is.
export function preferred(): Lang {
  const chosen = localStorage.getItem('kith.lang')
  for (const l of chosen !== null ? [chosen, ...navigator.languages] : navigator.languages) {
    if (l === 'en' || l.startsWith('en-')) return 'en'
    if (l === 'zh-CN' || l.startsWith('zh')) return 'zh-CN'
  }
  return 'en'
}

export async function speak(l: Lang): Promise<void> {
  const parts = await Promise.all([first[l](), ...(whole ? [rest[l]()] : [])])
  catalogue.value = Object.assign({}, ...parts.map((p) => p.default)) as Words
  lang.value = l
  document.documentElement.lang = l
}

// For what comes after the first screen: nothing of it is shown before all words are there.
export async function later<M>(load: () => Promise<M>): Promise<M> {
  const said = whole
  whole = true
  const [module] = await Promise.all([load(), said ? undefined : speak(lang.value)])
  return module
}

export function choose(l: Lang): void {
  localStorage.setItem('kith.lang', l)
  void speak(l)
}

// The sentence of a key; `n` chooses its form.
export function t(key: Key, values: Readonly<Record<string, string | number>> = {}): string {
  const v = catalogue.value[key]
  const form =
    typeof v === 'object' && v !== null ? ((v as Record<string, string>)[plurals.value.select(Number(values['n'] ?? 0))] ?? (v as Record<string, string>)['other']) : v
  if (typeof form !== 'string') return key
  return form.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole))
}
