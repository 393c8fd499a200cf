// What a browser has to fetch, squeezed: node scripts/budget.mjs, after a build. Too much is an error.
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const here = (p) => fileURLToPath(new URL(p, import.meta.url))
const { outputs } = JSON.parse(readFileSync(here('../meta.gen.json'), 'utf8'))
const size = (file) => gzipSync(readFileSync(here(`../dist/a/${basename(file)}`)), { level: 9 }).length
const outputOf = (source) => {
  const found = Object.entries(outputs).find(([, o]) => o.entryPoint === source)
  if (found === undefined) throw new Error(`nothing is built from ${source}`)
  return found[0]
}
// all that these import at once, and they themselves
function load(sources) {
  const files = new Set()
  const add = (file) => {
    if (files.has(file)) return
    files.add(file)
    for (const i of outputs[file].imports) if (i.kind === 'import-statement' && outputs[i.path] !== undefined) add(i.path)
  }
  sources.map(outputOf).forEach(add)
  return [...files].reduce((n, f) => n + size(f), gzipSync(readFileSync(here('../dist/index.html'))).length)
}

const entry = ['app/main.tsx', 'app/scheme.ts', 'app/style.css', 'messages/zh-CN.first.gen.json']
const budgets = [
  ['entry', load(entry), 60_000],
  ['chat usable', load([...entry, 'messages/zh-CN.rest.gen.json', 'app/screens/shell.tsx']), 150_000],
]
let over = false
for (const [name, is, may] of budgets) {
  console.log(`${name}: ${(is / 1000).toFixed(1)} KB of ${may / 1000} KB`)
  over ||= is > may
}
process.exit(over ? 1 : 0)
