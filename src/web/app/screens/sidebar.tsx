import { useState } from 'preact/hooks'
import type { Account, Group, Panel, Presence } from '@kith/client'
import { Avatar, Icon, Menu, type MenuItem } from '@kith/ui'
import { tagOf } from '../lib/format'
import { t } from '../lib/i18n'
import { attempt } from '../lib/session'
import { go, route } from '../router'
import { open } from './open'
import { calledIn, Face, pictureOf } from './person'
import { here, titleOf, unreadOf } from './place'
import { Badge } from './rail'
import { DraftMark, PanelTree } from './tree'

// What is in the group at hand, or all conversations.
export function Sidebar({ a }: { a: Account }) {
  const h = here.value
  return (
    <section class="sidebar" aria-label={t('shell.panels')}>
      {h !== undefined && h.group.kind === 'group' ? <GroupPanels a={a} group={h.group} panels={h.panels} /> : <Directs a={a} />}
      <Self a={a} />
    </section>
  )
}

function GroupPanels({ a, group, panels }: { a: Account; group: Group; panels: readonly Panel[] | undefined }) {
  const [menu, setMenu] = useState<{ x: number; y: number } | undefined>(undefined)
  const banner = pictureOf(group.banner, group.id)
  const items: MenuItem[] = [
    { label: t('shell.invite'), icon: 'user-plus', do: () => (open.value = { is: 'invite', group: group.id }) },
    ...(a.may(group.id, 'panel.manage') ? [{ label: t('shell.newPanel'), icon: 'plus' as const, do: () => void (open.value = { is: 'new-panel', group: group.id }) }] : []),
    { label: t('shell.groupSettings'), icon: 'settings', do: () => go(`/g/${group.id}/settings/overview`) },
    {
      label: t('shell.leave'),
      icon: 'log-out',
      danger: true,
      do: () => {
        if (confirm(t('shell.leaveSure', { name: group.name }))) void attempt(() => a.call('group.leave', { group: group.id })).then((ok) => ok && go('/home'))
      },
    },
  ]
  return (
    <>
      <header>
        <button
          type="button"
          class="plain title"
          aria-haspopup="menu"
          aria-expanded={menu !== undefined}
          onClick={(e) => {
            const box = e.currentTarget.getBoundingClientRect()
            setMenu({ x: box.left + 8, y: box.bottom + 2 })
          }}
        >
          <h2>{group.name}</h2>
          <Icon name="chevron-down" size={16} />
        </button>
        {menu !== undefined && <Menu items={items} {...menu} label={group.name} onClose={() => setMenu(undefined)} />}
      </header>
      {banner !== undefined && <img class="banner" src={banner.src} alt="" decoding="async" />}
      <nav class="tree" aria-label={t('shell.panels')}>
        {panels === undefined ? <Bones /> : <PanelTree a={a} group={group} panels={panels} />}
        <button type="button" class="row soft" onClick={() => (open.value = { is: 'invite', group: group.id })}>
          <Icon name="user-plus" size={18} />
          <span>{t('shell.invite')}</span>
        </button>
      </nav>
    </>
  )
}

function Directs({ a }: { a: Account }) {
  const asking = (a.people.friends.value ?? []).filter((f) => f.friend === 'incoming').length
  for (const g of a.directs.value) a.people.look(g.id)
  return (
    <>
      <header>
        <h2 class="title">{t('shell.home')}</h2>
        {!a.me.value.guest && (
          <button type="button" class="plain" aria-label={t('home.write')} title={t('home.write')} onClick={() => (open.value = { is: 'write' })}>
            <Icon name="plus" />
          </button>
        )}
      </header>
      <nav class="tree" aria-label={t('shell.home')}>
        <ul>
          {!a.me.value.guest && (
            <li>
              <a class={`row${asking > 0 ? ' unread' : ''}`} href="/friends" aria-current={route.value.at === 'friends' ? 'page' : undefined}>
                <Icon name="users" size={18} />
                <span>{t('friend.title')}</span>
                <Badge count={asking} mentions={asking} />
              </a>
            </li>
          )}
          {a.directs.value.filter((g) => !(g.people.length === 1 && a.people.isBlocked(g.people[0] ?? ''))).map((g) => {
            const u = unreadOf(a, g.panels)
            const [other] = g.people
            return (
              <li key={g.id}>
                <a class={`row tall${u.count > 0 ? ' unread' : ''}`} href={`/dm/${g.id}`} aria-current={here.value?.group.id === g.id ? 'page' : undefined}>
                  {other !== undefined && g.people.length === 1 ? <Face a={a} uid={other} handle={titleOf(a, g)} group={g.id} presence /> : <Avatar id={g.id} name={titleOf(a, g)} size={32} />}
                  <span>{titleOf(a, g)}</span>
                  <DraftMark a={a} panel={g.panels[0]?.id} />
                  <Badge {...u} />
                </a>
              </li>
            )
          })}
        </ul>
        {a.loaded.value && a.directs.value.length === 0 && <p class="soft pad">{t('home.noDirects')}</p>}
      </nav>
    </>
  )
}

function Self({ a }: { a: Account }) {
  const [menu, setMenu] = useState<{ x: number; y: number } | undefined>(undefined)
  const me = a.me.value
  const be = (state: Presence) => (): void => void attempt(() => a.choosePresence(state))
  const items: MenuItem[] = [
    { label: t('presence.online'), icon: 'circle', do: be('online') },
    { label: t('presence.busy'), icon: 'circle-minus', do: be('busy') },
    { label: t('presence.invisible'), icon: 'eye-off', do: be('offline') },
    { label: t('person.edit'), icon: 'pencil', do: () => go('/settings/profile') },
  ]
  return (
    <footer class="self">
      <button
        type="button"
        class="plain"
        aria-label={t('presence.choose')}
        title={t('presence.choose')}
        aria-haspopup="menu"
        onClick={(e) => setMenu({ x: e.currentTarget.getBoundingClientRect().left, y: e.currentTarget.getBoundingClientRect().top - 180 })}
      >
        <Face a={a} uid={me.uid} handle={me.handle} presence />
      </button>
      {menu !== undefined && <Menu items={items} {...menu} label={t('presence.choose')} onClose={() => setMenu(undefined)} />}
      <a href="/home" class="who" title={me.handle}>
        <strong>{calledIn(a, me.uid, me.handle)}</strong>
        <small>{me.guest ? t('member.guest') : me.status || tagOf(me.handle)}</small>
      </a>
      <a class="button plain" href="/settings/profile" aria-label={t('settings.title')} title={t('settings.title')}>
        <Icon name="settings" />
      </a>
    </footer>
  )
}

export function Bones() {
  return (
    <div class="bones" role="status" aria-label={t('app.loading')}>
      {[70, 45, 60].map((w) => (
        <i key={w} class={`w${w}`} />
      ))}
    </div>
  )
}
