import { signal } from '@preact/signals'

// Which dialog lies over the screen.
export type Open =
  | { readonly is: 'new-group' | 'switcher' | 'claim' | 'paste-invite' | 'write' | 'keys' }
  | { readonly is: 'new-panel' | 'invite'; readonly group: string }
  | { readonly is: 'person'; readonly uid: string; readonly group?: string }

export const open = signal<Open | undefined>(undefined)
export const membersShown = signal(localStorage.getItem('kith.members') === 'yes')

export function showMembers(on: boolean): void {
  membersShown.value = on
  localStorage.setItem('kith.members', on ? 'yes' : 'no')
}
