import type { Account, PageOutcome } from '@kith/client'

// Pages from elsewhere: may one stand in a frame of ours?

export type Fit = 'ok' | 'forbids' | 'unreachable' | 'none' | 'own' | 'plain'

// This document's policy lets frames in; others' does not (src/daemon/web.c).
export const framing = location.pathname.startsWith('/w/')

// What can be said without asking anybody.
export function fitFor(url: string): Fit {
  let u: URL
  try {
    u = new URL(url)
  } catch {
    return 'none'
  }
  if (u.protocol !== 'https:' && u.protocol !== 'http:') return 'none'
  // under our name it would stand among us, and be sent our cookie: that goes by the name and not by the port
  if (u.hostname === location.hostname) return 'own'
  return u.protocol === 'http:' && location.protocol === 'https:' ? 'plain' : 'ok'
}

// With a scheme, as people leave it out.
export function whole(text: string): string {
  const url = text.trim()
  return url === '' || /^[a-z][a-z0-9+.-]*:\/\//i.test(url) ? url : `https://${url}`
}

const KEEP_MS = 10 * 60_000
const kept = new Map<string, { at: number; fit: Promise<Fit> }>()

const fits: Readonly<Record<PageOutcome, Fit>> = { ok: 'ok', forbids: 'forbids', unreachable: 'unreachable', bad: 'none', private: 'ok' }

// The server asks the page. Where it may or can not, the browser finds out for itself.
export function looked(a: Account, url: string): Promise<Fit> {
  const known = kept.get(url)
  if (known !== undefined && Date.now() - known.at < KEEP_MS) return known.fit
  const fit = a.call('page.check', { url, origin: location.origin }).then(
    (r) => fits[r.outcome],
    (): Fit => {
      kept.delete(url)
      return 'ok'
    },
  )
  kept.set(url, { at: Date.now(), fit })
  return fit
}
