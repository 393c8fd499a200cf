// Builds the client: node build.mjs [--out DIR] [--pack FILE [--unless-newer]]
// DIR gets files whose names carry the hash of their bytes, under /a/, and the few that have fixed names.
import { build } from 'esbuild'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pack } from './scripts/pack.mjs'
import { check, split } from './scripts/i18n.mjs'
import { writeIcons } from './scripts/icons.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const arg = (name, otherwise) => {
  const at = process.argv.indexOf(name)
  return at < 0 ? otherwise : process.argv[at + 1]
}
const out = arg('--out', join(here, 'dist'))
const archive = arg('--pack', undefined)

const made = /^(node_modules|dist|tests)$|\.gen\.|\.pack|\.log$/
const newest = (dir) =>
  Math.max(...readdirSync(dir, { withFileTypes: true }).map((e) => (made.test(e.name) ? 0 : e.isDirectory() ? newest(join(dir, e.name)) : statSync(join(dir, e.name)).mtimeMs)), 0)
if (process.argv.includes('--unless-newer') && existsSync(archive) && statSync(archive).mtimeMs > newest(here)) process.exit(0)

writeIcons()
const wrong = check()
if (wrong.length > 0) {
  console.error(wrong.join('\n'))
  process.exit(1)
}
rmSync(out, { recursive: true, force: true })
mkdirSync(join(out, 'a'), { recursive: true })

const common = { absWorkingDir: here, bundle: true, minify: true, metafile: true, target: ['chrome120', 'firefox128', 'safari17'], legalComments: 'none', logLevel: 'warning' }
const client = {
  ...common,
  entryPoints: { main: 'app/main.tsx', scheme: 'app/scheme.ts', style: 'app/style.css' },
  outdir: join(out, 'a'),
  entryNames: '[name]-[hash]',
  chunkNames: '[name]-[hash]',
  format: 'esm',
  splitting: true,
  jsx: 'automatic',
  jsxImportSource: 'preact',
  alias: { react: 'preact/compat', 'react-dom': 'preact/compat', 'react/jsx-runtime': 'preact/jsx-runtime' },
  define: { 'process.env.NODE_ENV': '"production"' },
}
await split(() => build({ ...client, write: false }))
const app = await build(client)
const named = {}
for (const [file, o] of Object.entries(app.metafile.outputs)) {
  if (o.entryPoint !== undefined) named[basename(o.entryPoint).replace(/\..*/, '')] = '/a/' + basename(file)
}
const shell = Object.keys(app.metafile.outputs).map((f) => '/a/' + basename(f)).sort()
await build({
  ...common,
  metafile: false,
  entryPoints: ['app/sw.ts'],
  outfile: join(out, 'sw.js'),
  format: 'iife',
  define: { SHELL: JSON.stringify(shell), VERSION: JSON.stringify(createHash('sha256').update(shell.join()).digest('hex').slice(0, 12)) },
})
const html = readFileSync(join(here, 'app/index.html'), 'utf8').replace(/\{\{(\w+)\}\}/g, (_, name) => {
  if (named[name] === undefined) throw new Error(`index.html names '${name}', which is not built`)
  return named[name]
})
writeFileSync(join(out, 'index.html'), html)
cpSync(join(here, 'app/static'), out, { recursive: true })
writeFileSync(join(here, 'meta.gen.json'), JSON.stringify(app.metafile))
if (archive !== undefined) {
  pack(out, archive + '.new')
  renameSync(archive + '.new', archive)
}
