import { KithError } from '@kith/client'
import { lang, t, type Key } from './i18n'

// What went wrong, for people. The server says it in English and says more; where another language has words for it, those.
const known: Readonly<Record<string, Key>> = {
  already_claimed: 'error.alreadyClaimed',
  busy: 'error.busy',
  denied: 'error.denied',
  guest: 'error.guest',
  internal: 'error.internal',
  limit: 'error.limit',
  network: 'error.network',
  no_mail: 'error.noMail',
  no_media: 'picture.none',
  not_found: 'error.missing',
  quota: 'error.quota',
  rate_limit: 'error.rate',
  storage_full: 'error.full',
  unauthorized: 'error.unauthorized',
  unreachable: 'error.unreachable',
  wrong_code: 'error.wrongCode',
  wrong_key: 'error.wrongKey',
  wrong_password: 'error.wrongPassword',
}

export function said(e: unknown): string {
  if (!(e instanceof KithError)) return String(e)
  const key = lang.value === 'en' ? undefined : known[e.code]
  return key === undefined ? e.message : t(key)
}
