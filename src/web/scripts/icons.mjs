// Picks the icons that the client uses into packages/ui/icons.gen.ts, as data: node scripts/icons.mjs
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const here = (p) => fileURLToPath(new URL(p, import.meta.url))
const wanted = readFileSync(here('../packages/ui/icons.txt'), 'utf8').split('\n').filter(Boolean)
const shapes = (name) => {
  const svg = readFileSync(here(`../node_modules/lucide-static/icons/${name}.svg`), 'utf8').replace(/<svg[^>]*>/, '')
  return [...svg.matchAll(/<(\w+)\s([^>]*?)\/>/g)].map(([, tag, rest]) => [
    tag,
    Object.fromEntries([...rest.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, k, v]) => [k, v])),
  ])
}

export function writeIcons() {
  const lines = wanted.map((name) => `  ${JSON.stringify(name)}: ${JSON.stringify(shapes(name))},`)
  writeFileSync(
    here('../packages/ui/icons.gen.ts'),
    `// Made by scripts/icons.mjs from packages/ui/icons.txt.
export type Shape = readonly [tag: string, attributes: Readonly<Record<string, string>>]
const all = {
${lines.join('\n')}
} satisfies Record<string, readonly (readonly [string, Record<string, string>])[]>
export type IconName = keyof typeof all
export const icons = all as unknown as Readonly<Record<IconName, readonly Shape[]>>
`,
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeIcons()
