import type { Role } from '@kith/client'
import { t } from '../lib/i18n'

export const made = (r: Role): boolean => r.level > 0

// Who has no role of their own has the implicit ones.
export function roleName(r: Role): string {
  return made(r) ? r.name : r.name === 'Guest' ? t('role.guest') : r.name === 'Follower' ? t('role.follower') : t('role.member')
}
