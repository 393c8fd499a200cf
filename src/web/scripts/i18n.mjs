// Every language says the same things: node scripts/i18n.mjs. A key that is missing, unknown,
// unused, or whose fields differ is an error.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const here = (p) => fileURLToPath(new URL(p, import.meta.url))
const read = (lang) => JSON.parse(readFileSync(here(`../messages/${lang}.json`), 'utf8'))
const languages = () => readdirSync(here('../messages')).flatMap((f) => (f.includes('.gen.') ? [] : [f.replace('.json', '')]))
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
  for (const lang of languages()) {
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

// The words that the first screen says go by themselves, so that it need not wait for all the others: which they are
// follows from what it imports. messages/LANG.first.gen.json and messages/LANG.rest.gen.json.
export async function split(build) {
  const langs = languages()
  const put = (lang, part, words) => writeFileSync(here(`../messages/${lang}.${part}.gen.json`), JSON.stringify(words))
  for (const lang of langs) for (const part of ['first', 'rest']) put(lang, part, {})
  const { metafile } = await build()
  const seen = new Set()
  const follow = (file) => {
    if (seen.has(file)) return
    seen.add(file)
    for (const i of metafile.inputs[file].imports) if (i.kind === 'import-statement' && metafile.inputs[i.path] !== undefined) follow(i.path)
  }
  follow('app/main.tsx')
  // what tells words apart from code is the same as in check()
  const text = [...seen].filter((f) => /^(app|packages)\//.test(f)).map((f) => readFileSync(here(`../${f}`), 'utf8')).join('\n')
  const said = (key) => text.includes(`'${key}'`) || [...key.matchAll(/\./g)].some((dot) => text.includes('`' + key.slice(0, dot.index + 1) + '${'))
  for (const lang of langs) {
    const all = Object.entries(read(lang))
    put(lang, 'first', Object.fromEntries(all.filter(([key]) => said(key))))
    put(lang, 'rest', Object.fromEntries(all.filter(([key]) => !said(key))))
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const wrong = check()
  for (const w of wrong) console.error(w)
  process.exit(wrong.length > 0 ? 1 : 0)
}
