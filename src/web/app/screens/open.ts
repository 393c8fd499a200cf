import { signal } from '@preact/signals'

// What is done to somebody.
export type Measure = 'mute' | 'kick' | 'ban'

// Which dialog lies over the screen.
export type Open =
  | { readonly is: 'new-group' | 'switcher' | 'claim' | 'paste-invite' | 'write' | 'keys' | 'handle' }
  | { readonly is: 'invite'; readonly group: string }
  | { readonly is: 'new-panel'; readonly group: string; readonly parent?: string }
  | { readonly is: 'panel' | 'delete-panel'; readonly group: string; readonly panel: string }
  | { readonly is: 'moderate'; readonly act: Measure; readonly group: string; readonly user: string; readonly handle: string }
  | { readonly is: 'proof'; readonly group: string; readonly id: string }
  | { readonly is: 'person'; readonly uid: string; readonly group?: string }

export const open = signal<Open | undefined>(undefined)
export const membersShown = signal(localStorage.getItem('kith.members') === 'yes')

export function showMembers(on: boolean): void {
  membersShown.value = on
  localStorage.setItem('kith.members', on ? 'yes' : 'no')
}

// A panel that stays to the right of whatever else is shown; of this device.
export interface Beside {
  readonly group: string
  readonly panel: string
}
export const BESIDE_MIN = 280
export const BESIDE_MAX = 640
const keptBeside = (): Beside | undefined => {
  const [group, panel] = (localStorage.getItem('kith.beside') ?? '').split('/')
  return group !== undefined && panel !== undefined && panel !== '' ? { group, panel } : undefined
}
export const beside = signal(keptBeside())
export const besideWidth = signal(Math.min(BESIDE_MAX, Math.max(BESIDE_MIN, Number(localStorage.getItem('kith.beside.width')) || 360)))

export function pinRight(p: Beside | undefined): void {
  beside.value = p
  if (p === undefined) localStorage.removeItem('kith.beside')
  else localStorage.setItem('kith.beside', `${p.group}/${p.panel}`)
}
export function widen(px: number): void {
  besideWidth.value = Math.round(Math.min(BESIDE_MAX, Math.max(BESIDE_MIN, px)))
  localStorage.setItem('kith.beside.width', String(besideWidth.value))
}
