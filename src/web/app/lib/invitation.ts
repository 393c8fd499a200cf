import { signal } from '@preact/signals'

// The invitation with which somebody came, until it is used: it outlives signing in.
const key = 'kith.invitation'

export const invitation = signal<string | undefined>(sessionStorage.getItem(key) ?? undefined)

export function keepInvitation(link: string | undefined): void {
  invitation.value = link
  if (link === undefined) sessionStorage.removeItem(key)
  else sessionStorage.setItem(key, link)
}

// The part after the # never leaves the browser but for the call that joins.
export function fromAddress(): string | undefined {
  return location.pathname === '/invite' && location.hash.length > 8 ? location.href : undefined
}
