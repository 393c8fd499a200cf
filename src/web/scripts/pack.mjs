// Makes the one archive that kithd links in or maps (src/daemon/site.h has the format):
//   node scripts/pack.mjs DIR OUT
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, extname, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
}
const encodings = { plain: 0, gzip: 1, br: 2 }
const squeezable = new Set(['.html', '.js', '.css', '.svg', '.json', '.webmanifest'])

function* walk(dir) {
  for (const e of readdirSync(dir, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(dir, e.name)
    if (e.isDirectory()) yield* walk(path)
    else yield path
  }
}

export function pack(dir, out) {
  const entries = []
  for (const file of walk(dir)) {
    const ext = extname(file)
    if (types[ext] === undefined) throw new Error(`no media type for ${file}`)
    const type = types[ext] + '\0'
    const bytes = readFileSync(file)
    const path = '/' + relative(dir, file)
    entries.push({ path, type, encoding: encodings.plain, bytes })
    if (!squeezable.has(ext)) continue
    const small = [
      [encodings.gzip, gzipSync(bytes, { level: 9 })],
      [encodings.br, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } })],
    ]
    for (const [encoding, squeezed] of small)
      if (squeezed.length < bytes.length) entries.push({ path, type, encoding, bytes: squeezed })
  }
  entries.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)) || a.encoding - b.encoding)
  let offset = 12 + entries.reduce((n, e) => n + 12 + Buffer.byteLength(e.path) + Buffer.byteLength(e.type), 0)
  const head = Buffer.alloc(12)
  head.write('KITHWEB1')
  head.writeUInt32BE(entries.length, 8)
  const parts = [head]
  for (const e of entries) {
    const fixed = Buffer.alloc(12)
    fixed.writeUInt8(e.encoding, 0)
    fixed.writeUInt8(Buffer.byteLength(e.path), 1)
    fixed.writeUInt8(Buffer.byteLength(e.type), 2)
    fixed.writeUInt32BE(offset, 4)
    fixed.writeUInt32BE(e.bytes.length, 8)
    parts.push(fixed, Buffer.from(e.path + e.type))
    offset += e.bytes.length
  }
  writeFileSync(out, Buffer.concat([...parts, ...entries.map((e) => e.bytes)]))
  return entries
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [dir, out] = process.argv.slice(2)
  if (dir === undefined || out === undefined) {
    console.error('usage: node scripts/pack.mjs DIR OUT')
    process.exit(1)
  }
  const entries = pack(dir, out)
  console.log(`${out}: ${new Set(entries.map((e) => e.path)).size} files`)
}
