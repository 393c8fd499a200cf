import { computed, signal } from '@preact/signals'
import { framing } from './lib/page'

export type Route =
  | { readonly at: 'root' }
  | { readonly at: 'invite' }
  | { readonly at: 'home' }
  | { readonly at: 'settings' | 'friends'; readonly tab: string }
  | { readonly at: 'group'; readonly group: string; readonly panel?: string }
  | { readonly at: 'group-settings'; readonly group: string; readonly tab: string }
  | { readonly at: 'direct'; readonly group: string }
  | { readonly at: 'nowhere' }

const place = signal(location.pathname + location.search + location.hash)

addEventListener('popstate', () => (place.value = location.pathname + location.search + location.hash))

// Frames are let in by the document's own policy, so the way into a web panel and out of it is a new document.
export function go(to: string, replace = false): void {
  if (to.startsWith('/w/') !== framing) {
    if (replace) location.replace(to)
    else location.assign(to)
    return
  }
  if (replace) history.replaceState(null, '', to)
  else history.pushState(null, '', to)
  place.value = to
}

export const route = computed<Route>(() => {
  const path = place.value.replace(/[?#].*/, '')
  const [, first = '', second = '', third = '', fourth = ''] = path.split('/')
  switch (first) {
    case '':
      return { at: 'root' }
    case 'invite':
      return { at: 'invite' }
    case 'home':
      return { at: 'home' }
    case 'friends':
      return { at: 'friends', tab: second || 'all' }
    case 'settings':
      return { at: 'settings', tab: second || 'account' }
    case 'w':
    case 'g':
      if (second === '') return { at: 'nowhere' }
      if (third === 'settings') return { at: 'group-settings', group: second, tab: fourth || 'overview' }
      return third === '' ? { at: 'group', group: second } : { at: 'group', group: second, panel: third }
    case 'dm':
      return second === '' ? { at: 'home' } : { at: 'direct', group: second }
    default:
      return { at: 'nowhere' }
  }
})

// A press on a link of ours goes there without a new document.
export function onLink(e: MouseEvent): void {
  if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey || !(e.target instanceof Element)) return
  const a = e.target.closest('a')
  if (a === null || a.target !== '' || a.origin !== location.origin || a.pathname.startsWith('/api/')) return
  e.preventDefault()
  go(a.pathname + a.search + a.hash)
}
