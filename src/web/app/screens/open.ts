import { signal } from '@preact/signals'

// Which dialog lies over the screen.
export type Open =
  | { readonly is: 'new-group' | 'switcher' | 'claim' | 'paste-invite' | 'write' | 'keys' }
  | { readonly is: 'invite'; readonly group: string }
  | { readonly is: 'new-panel'; readonly group: string; readonly parent?: string }
  | { readonly is: 'panel' | 'delete-panel'; readonly group: string; readonly panel: string }
  | { readonly is: 'person'; readonly uid: string; readonly group?: string }

export const open = signal<Open | undefined>(undefined)
export const membersShown = signal(localStorage.getItem('kith.members') === 'yes')

export function showMembers(on: boolean): void {
  membersShown.value = on
  localStorage.setItem('kith.members', on ? 'yes' : 'no')
}
