import type { Key } from './i18n'

export const mac = /Mac|iPhone|iPad/.test(navigator.platform)
const ctrl = mac ? '⌘' : 'Ctrl'

// All keys, as the list in the settings shows them.
export const keyList: readonly (readonly [keys: string, does: Key])[] = [
  [`${ctrl}+K`, 'keys.switcher'],
  ['Alt+↑ ↓', 'keys.panel'],
  ['Alt+Shift+↑ ↓', 'keys.unread'],
  ['Alt+I', 'keys.invite'],
  [`${ctrl}+,`, 'keys.settings'],
  ['Esc', 'keys.escape'],
  ['↑', 'keys.editLast'],
  ['R E +', 'keys.message'],
  [`${ctrl}+↑ ↓ ← →`, 'keys.movePanel'],
  ['Alt+Enter', 'keys.pinPanel'],
  [`${ctrl}+/`, 'keys.all'],
]

export function withCtrl(e: KeyboardEvent): boolean {
  return (mac ? e.metaKey : e.ctrlKey) && !e.altKey && !e.shiftKey
}
