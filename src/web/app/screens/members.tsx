import { useMemo, useState } from 'preact/hooks'
import type { Account, Group, Member } from '@kith/client'
import { tame } from '@kith/markdown'
import { Crest, Icon, Menu, type MenuItem } from '@kith/ui'
import { useAsked } from '../lib/hooks'
import { t } from '../lib/i18n'
import { attempt } from '../lib/session'
import { go } from '../router'
import { open, showMembers, type Measure } from './open'
import { calledIn, Face, showPerson } from './person'
import { Bones } from './sidebar'

export function canModerate(a: Account, g: Group): boolean {
  const mine = (a.members(g.id).value ?? []).find((m) => m.uid === a.me.value.uid)
  return g.owner || (mine?.roles.length ?? 0) > 0
}

// Who is in the group: owners, then by role, then all others.
export function Members({ a, group }: { a: Account; group: Group }) {
  const list = a.members(group.id).value
  const sections = useMemo(() => inSections(list ?? []), [list])
  return (
    <aside class="members" aria-label={t('shell.members')}>
      <header>
        <h2>{t('member.count', { n: group.members })}</h2>
        <button type="button" class="plain" aria-label={t('app.close')} onClick={() => showMembers(false)}>
          <Icon name="x" />
        </button>
      </header>
      {list === undefined && <Bones />}
      {sections.map(([title, members]) => (
        <section key={title}>
          {(title !== '' || sections.length > 1) && <h3>{title === '' ? t('member.others') : title}</h3>}
          <ul>
            {members.slice(0, 200).map((m) => (
              <MemberRow key={m.uid} a={a} group={group} m={m} />
            ))}
          </ul>
        </section>
      ))}
      {a.may(group.id, 'member.ban') && <Banned a={a} group={group} list={list} />}
    </aside>
  )
}

// Asked for anew whenever the list of members is another.
function Banned({ a, group, list }: { a: Account; group: Group; list: readonly Member[] | undefined }) {
  const banned = useAsked(() => a.call('member.banned', { group: group.id }), [group.id, list]).value?.banned ?? []
  if (banned.length === 0) return null
  return (
    <section>
      <h3>{t('member.banned')}</h3>
      <ul>
        {banned.map((m) => (
          <li key={m.uid} class="banned">
            <span>{calledIn(a, m.uid, m.handle, group.id)}</span>
            <button type="button" onClick={() => void attempt(() => a.call('member.unban', { group: group.id, user: m.uid }))}>
              {t('member.unban')}
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}

function inSections(list: readonly Member[]): readonly (readonly [string, readonly Member[]])[] {
  const by = new Map<string, Member[]>()
  for (const m of list) {
    if (m.banned) continue
    const key = m.owner ? t('member.owner') : (m.roles[0] ?? '')
    by.set(key, [...(by.get(key) ?? []), m])
  }
  const rank = (key: string): number => (key === t('member.owner') ? 0 : key === '' ? 2 : 1)
  return [...by]
    .map(([key, ms]): [string, Member[]] => [key, ms.sort((x, y) => x.handle.localeCompare(y.handle))])
    .sort(([x], [y]) => rank(x) - rank(y) || x.localeCompare(y))
}

export function menuFor(a: Account, group: Group, m: Member): MenuItem[] {
  if (m.uid === a.me.value.uid) return []
  const on = { group: group.id, user: m.uid }
  const items: MenuItem[] = []
  if (!a.me.value.guest)
    items.push({
      label: t('member.write'),
      icon: 'message-circle',
      do: () =>
        void attempt(async () => {
          const dm = await a.call('dm.open', { users: [m.uid] })
          await a.loadGroups()
          go(`/dm/${dm.group}`)
        }),
    })
  if (group.kind !== 'group' || m.owner) return items
  const set = (act: Measure) => () => void (open.value = { is: 'moderate', act, group: group.id, user: m.uid, handle: m.handle })
  if (a.may(group.id, 'member.mute'))
    items.push(
      m.muted
        ? { label: t('member.unmute'), icon: 'volume-2', do: () => void attempt(() => a.call('member.unmute', on)) }
        : { label: t('member.mute'), icon: 'volume-x', do: set('mute') },
    )
  if (a.may(group.id, 'member.kick')) items.push({ label: t('member.kick'), icon: 'log-out', danger: true, do: set('kick') })
  if (a.may(group.id, 'member.ban')) items.push({ label: t('member.ban'), icon: 'ban', danger: true, do: set('ban') })
  return items
}

function MemberRow({ a, group, m }: { a: Account; group: Group; m: Member }) {
  const [menu, setMenu] = useState<{ x: number; y: number } | undefined>(undefined)
  const items = menuFor(a, group, m)
  const away = m.node !== a.me.value.node
  return (
    <li>
      <button
        type="button"
        class="row tall"
        aria-haspopup="dialog"
        title={m.handle}
        onClick={() => showPerson(m.uid, group.id)}
        onContextMenu={(e) => {
          if (items.length === 0) return
          e.preventDefault()
          setMenu({ x: e.clientX, y: e.clientY })
        }}
      >
        <Face a={a} uid={m.uid} handle={m.handle} group={group.id} presence />
        <span>
          {calledIn(a, m.uid, m.handle, group.id)}
          {m.uid === a.me.value.uid && <small> ({t('home.you')})</small>}
          {(m.guest || m.muted) && <small class="soft"> {[m.guest && t('member.guest'), m.muted && t('member.muted')].filter(Boolean).join(' · ')}</small>}
          {(away || m.status !== '') && (
            <small class="server">
              {away && <Crest node={m.node} />}
              {m.status !== '' ? tame(m.status) : m.node_name}
            </small>
          )}
        </span>
      </button>
      {menu !== undefined && <Menu items={items} {...menu} label={m.handle} onClose={() => setMenu(undefined)} />}
    </li>
  )
}
