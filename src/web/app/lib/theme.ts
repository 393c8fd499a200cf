import { signal } from '@preact/signals'

export type Scheme = 'auto' | 'light' | 'dark'
export const schemes: readonly Scheme[] = ['auto', 'light', 'dark']

const kept = localStorage.getItem('kith.scheme')
export const scheme = signal<Scheme>(kept === 'light' || kept === 'dark' ? kept : 'auto')

export function paint(s: Scheme): void {
  scheme.value = s
  if (s === 'auto') localStorage.removeItem('kith.scheme')
  else localStorage.setItem('kith.scheme', s)
  document.documentElement.dataset['scheme'] = s
}
