// Every language says the same things: node scripts/i18n.mjs. A key that is missing, unknown,
// unused, or whose fields differ is an error.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const here = (p) => fileURLToPath(new URL(p, import.meta.url))
const read = (lang) => JSON.parse(readFileSync(here(`../messages/${lang}.json`), 'utf8'))
const fields = (v) => {
  const forms = typeof v === 'string' ? [v] : Object.values(v)
  return [...new Set(forms.flatMap((s) => [...s.matchAll(/\{(\w+)\}/g)].map((m) => m[1])))].sort().join(' ')
}
function* sources(dir) {
  for (const e of readdirSync(dir, { withFileTypes: true })) {
    if (e.isDirectory()) yield* sources(`${dir}/${e.name}`)
    else if (/\.tsx?$/.test(e.name)) yield readFileSync(`${dir}/${e.name}`, 'utf8')
  }
}

export function check() {
  const wrong = []
  const en = read('en')
  for (const lang of readdirSync(here('../messages')).map((f) => f.replace('.json', ''))) {
    const other = read(lang)
    const plurals = new Intl.PluralRules(lang).resolvedOptions().pluralCategories
    for (const key of Object.keys(en)) {
      if (other[key] === undefined) wrong.push(`${lang}: '${key}' is missing`)
      else if (typeof en[key] !== typeof other[key]) wrong.push(`${lang}: '${key}' is not of the same kind`)
      else if (fields(en[key]) !== fields(other[key])) wrong.push(`${lang}: '${key}' has other fields`)
      else if (typeof other[key] !== 'string')
        for (const p of plurals) if (other[key][p] === undefined) wrong.push(`${lang}: '${key}' has no form '${p}'`)
    }
    for (const key of Object.keys(other)) if (en[key] === undefined) wrong.push(`${lang}: '${key}' is unknown`)
  }
  const all = [...sources(here('../app')), ...sources(here('../packages'))].join('\n')
  for (const key of Object.keys(en)) {
    // as it is, or as one of a family
    const families = [...key.matchAll(/\./g)].map((dot) => '`' + key.slice(0, dot.index + 1) + '${')
    if (!all.includes(`'${key}'`) && !families.some((f) => all.includes(f))) wrong.push(`'${key}' is said nowhere`)
  }
  return wrong
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const wrong = check()
  for (const w of wrong) console.error(w)
  process.exit(wrong.length > 0 ? 1 : 0)
}
