import type { Panel } from '@kith/client'

// Where panels lie, and what has to be said to put one elsewhere. Their places are texts; the order of the texts is theirs.

const digits = '0123456789abcdefghijklmnopqrstuvwxyz'

// A text after `low` and before `high` (undefined: the end), if there is room: it grows no longer than it must.
export function between(low: string, high: string | undefined): string {
  let out = ''
  for (let i = 0; ; i++) {
    const a = Math.max(0, digits.indexOf(low[i] ?? '0'))
    const b = high === undefined ? digits.length : Math.max(0, digits.indexOf(high[i] ?? '0'))
    if (b - a > 1) return out + digits[(a + b) >> 1]
    out += digits[a]
    // behind the first that differ there is nothing above any more
    if (b > a) high = undefined
  }
}

// Where a panel made at that time stands of itself.
export function ofTime(ms: number): string {
  return (BigInt(ms) << 16n).toString(16).padStart(16, '0')
}

// The texts that put `moved` at a place among its siblings (which it is none of); those made later come behind it. Two that
// two people put at one place move apart.
export function placed(siblings: readonly Panel[], at: number, moved: Panel, now: number): readonly (readonly [id: string, order: string])[] {
  const low = siblings[at - 1]?.order ?? ''
  let end = at
  while (siblings[end] !== undefined && (siblings[end]?.order ?? '') <= low) end++
  const high = siblings[end]?.order ?? (ofTime(now) > low ? ofTime(now) : undefined)
  if (end === at && moved.order > low && (high === undefined || moved.order < high)) return []
  const out: [string, string][] = []
  let last = low
  for (const id of [moved.id, ...siblings.slice(at, end).map((p) => p.id)]) {
    last = between(last, high)
    out.push([id, last])
  }
  return out
}

export function inside(panels: readonly Panel[], folder: string | null): readonly Panel[] {
  return panels.filter((p) => p.parent === folder)
}

// Is it the folder itself, or something in it?
export function within(panels: readonly Panel[], id: string | null, folder: string): boolean {
  for (let at = panels.find((p) => p.id === id); at !== undefined; at = panels.find((p) => p.id === at?.parent)) if (at.id === folder) return true
  return false
}

export interface Place {
  readonly parent: string | null
  readonly at: number
}
export type Step = 'up' | 'down' | 'in' | 'out'

// One step by keyboard: past a sibling, into the folder above it, or out of the one that it lies in.
export function step(panels: readonly Panel[], p: Panel, way: Step): Place | undefined {
  const all = inside(panels, p.parent)
  const at = all.findIndex((x) => x.id === p.id)
  if (way === 'up') return at > 0 ? { parent: p.parent, at: at - 1 } : undefined
  if (way === 'down') return at < all.length - 1 ? { parent: p.parent, at: at + 1 } : undefined
  if (way === 'in') {
    const folder = all.slice(0, at).findLast((x) => x.kind === 'folder')
    return folder === undefined ? undefined : { parent: folder.id, at: inside(panels, folder.id).length }
  }
  const folder = panels.find((x) => x.id === p.parent)
  if (folder === undefined) return undefined
  const outer = inside(panels, folder.parent)
  return { parent: folder.parent, at: outer.findIndex((x) => x.id === folder.id) + 1 }
}
