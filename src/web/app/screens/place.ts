import { computed } from '@preact/signals'
import type { Account, Group, Panel } from '@kith/client'
import { account } from '../lib/session'
import { route } from '../router'

// Where the reader is, from the address and what is known of it.

export function isPlace(p: Panel): boolean {
  return p.kind !== 'folder'
}

// A conversation is called by who else is in it.
export function titleOf(a: Account, g: Group): string {
  if (g.kind === 'group') return g.name
  const others = g.people.flatMap((uid) => {
    const name = a.people.nameOf(uid, a.people.person(uid, g.id).value?.handle ?? '', g.id)
    return name === '' ? [] : [name]
  })
  return others.length > 0 ? others.join(', ') : g.name || '…'
}

export const here = computed(() => {
  const a = account.value
  const r = route.value
  if (a === undefined || (r.at !== 'group' && r.at !== 'direct' && r.at !== 'group-settings')) return undefined
  const group = a.group(r.group)
  if (group === undefined) return undefined
  const panels = a.panelsShown(group.id)
  const panelId = r.at === 'group' ? (r.panel ?? panels?.find(isPlace)?.id) : panels?.find(isPlace)?.id
  return { group, panels, panel: panels?.find((p) => p.id === panelId), panelId }
})

export function pathOf(g: Group, panel?: string): string {
  if (g.kind === 'direct') return `/dm/${g.id}`
  const web = g.panels.find((p) => p.id === panel)?.kind === 'web'
  return panel !== undefined ? `/${web ? 'w' : 'g'}/${g.id}/${panel}` : `/g/${g.id}`
}

export function unreadOf(a: Account, panels: readonly { readonly id: string }[]): { count: number; mentions: number } {
  let count = 0
  let mentions = 0
  for (const p of panels) {
    const u = a.unread.value.get(p.id)
    count += u?.count ?? 0
    mentions += u?.mentions ?? 0
  }
  return { count, mentions }
}
