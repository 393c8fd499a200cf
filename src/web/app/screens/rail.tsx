import type { Account } from '@kith/client'
import { Avatar, Icon, Mark } from '@kith/ui'
import { t } from '../lib/i18n'
import { route } from '../router'
import { here, unreadOf } from './place'
import { open } from './open'
import { pictureOf } from './person'

// The groups one is in, and the way to conversations.
export function Rail({ a }: { a: Account }) {
  const r = route.value
  const directs = unreadOf(a, a.directs.value.flatMap((g) => g.panels))
  return (
    <nav class="rail" aria-label={t('shell.groups')}>
      <a class="tile home" href="/home" aria-current={r.at === 'home' || r.at === 'direct' || r.at === 'friends' ? 'page' : undefined} title={t('shell.home')}>
        <Mark size={26} />
        <span class="hidden">{t('shell.home')}</span>
        <Badge {...directs} />
      </a>
      <hr />
      <ul>
        {a.places.value.map((g) => {
          const u = unreadOf(a, g.panels)
          return (
            <li key={g.id}>
              <a class="tile" href={`/g/${g.id}`} aria-current={here.value?.group.id === g.id ? 'page' : undefined} title={g.name}>
                <Avatar id={g.id} name={g.name} size={44} square {...pictureOf(g.avatar, g.id)} />
                <span class="hidden">{g.name}</span>
                <Badge {...u} />
              </a>
            </li>
          )
        })}
      </ul>
      {!a.me.value.guest && (
        <button type="button" class="tile add" title={t('shell.newGroup')} aria-label={t('shell.newGroup')} onClick={() => (open.value = { is: 'new-group' })}>
          <Icon name="plus" />
        </button>
      )}
    </nav>
  )
}

export function Badge({ count, mentions }: { count: number; mentions: number }) {
  if (count === 0) return null
  return (
    <span class={`badge${mentions > 0 ? ' mentions' : ''}`} aria-label={t('shell.unread', { n: count })}>
      {mentions > 0 ? mentions : count > 99 ? '99+' : count}
    </span>
  )
}
