import { lazy, Suspense } from 'preact/compat'
import { useEffect } from 'preact/hooks'
import type { Account } from '@kith/client'
import { Dialog, Icon } from '@kith/ui'
import { useNow, useResting, useWide } from '../lib/hooks'
import { t } from '../lib/i18n'
import { withCtrl } from '../lib/keys'
import { framing } from '../lib/page'
import { go, route } from '../router'
import { Chat } from './chat/chat'
import { NewGroup } from './dialogs/make'
import { Claim, Kit, Write } from './dialogs/people'
import { Switcher } from './dialogs/switcher'
import { Home } from './home'
import { Members } from './members'
import { BesidePane, pinnedNow } from './beside'
import { beside, besideWidth, membersShown, open, pinRight, showMembers } from './open'
import { here, isPlace, pathOf, unreadOf } from './place'
import { Rail } from './rail'
import { roleName } from './role'
import { Bones, Sidebar } from './sidebar'
import { PANEL_TYPE } from './tree'

const Friends = lazy(() => import('./friends'))
const PersonCard = lazy(() => import('./dialogs/person'))
const WebPanel = lazy(() => import('./web').then((m) => ({ default: m.WebPanel })))
const Settings = lazy(() => import('./settings'))
const GroupSettings = lazy(() => import('./group-settings'))
const NewPanel = lazy(() => import('./dialogs/panel').then((m) => ({ default: m.NewPanel })))
const PanelSettings = lazy(() => import('./dialogs/panel').then((m) => ({ default: m.PanelSettings })))
const DeletePanel = lazy(() => import('./dialogs/panel').then((m) => ({ default: m.DeletePanel })))
const ProofDialog = lazy(() => import('./dialogs/proof'))
const HandleDialog = lazy(() => import('./dialogs/handle'))
const Moderate = lazy(() => import('./dialogs/moderate'))
const InviteDialog = lazy(() => import('./dialogs/invite'))
const PasteInvite = lazy(() => import('./dialogs/invite').then((m) => ({ default: m.PasteInvite })))
const KeyList = lazy(() => import('./settings').then((m) => ({ default: m.Keys })))

// All that a signed-in person sees: rail, sidebar, main pane, right pane; one of them at a time on a phone.
export function Shell({ a }: { a: Account }) {
  const r = route.value
  const h = here.value
  const wide = useWide(800)
  useEffect(() => {
    const on = (e: KeyboardEvent): void => keys(e, a)
    document.addEventListener('keydown', on)
    return () => document.removeEventListener('keydown', on)
  }, [a])
  useResting(a)
  const inside = r.at === 'settings' || r.at === 'friends' || r.at === 'group-settings' || r.at === 'direct' || (r.at === 'group' && (wide || r.panel !== undefined))
  const group = h?.group
  const showRight = membersShown.value && group !== undefined && (r.at === 'group' || r.at === 'direct')
  const broad = useWide(1400)
  const roomy = useWide(1000)
  const pinned = roomy && (broad || !showRight) ? pinnedNow(a) : undefined
  return (
    <div
      class={`shell${inside ? ' inside' : ''}${showRight ? ' right' : ''}${pinned !== undefined ? ' wide' : ''}`}
      style={{ '--beside': `${besideWidth.value}px` }}
      onDragOver={(e) => {
        if (e.dataTransfer?.types.includes(PANEL_TYPE) === true && onRight(e)) e.preventDefault()
      }}
      onDrop={(e) => {
        const [g, p] = (e.dataTransfer?.getData(PANEL_TYPE) ?? '').split('/')
        if (g === undefined || p === undefined || !onRight(e)) return
        e.preventDefault()
        pinRight({ group: g, panel: p })
      }}
    >
      <a class="skip" href="#log">
        {t('shell.skip')}
      </a>
      <Top a={a} />
      <Rail a={a} />
      <Sidebar a={a} />
      <Suspense fallback={<Waiting />}>
        <Main a={a} />
      </Suspense>
      {pinned !== undefined && <BesidePane key={pinned.panel.id} a={a} {...pinned} />}
      {showRight && <Members key={group.id} a={a} group={group} />}
      <BottomTabs a={a} />
      <Suspense fallback={null}>
        <Dialogs a={a} />
      </Suspense>
      <Kit />
    </div>
  )
}

// Dropped on the right half of what is no sidebar.
function onRight(e: DragEvent): boolean {
  return e.clientX > innerWidth * 0.6
}

function Main({ a }: { a: Account }) {
  const r = route.value
  const h = here.value
  switch (r.at) {
    case 'friends':
      return <Friends a={a} tab={r.tab} />
    case 'settings':
      return <Settings a={a} tab={r.tab} />
    case 'group-settings':
      return h === undefined ? <Nowhere a={a} /> : <GroupSettings a={a} group={h.group} tab={r.tab} />
    case 'group':
    case 'direct':
      if (h === undefined) return <Nowhere a={a} />
      if (h.panel === undefined) return h.panels === undefined ? <Waiting /> : <Nowhere a={a} />
      if (h.panel.kind !== 'web') return <Chat a={a} group={h.group} panel={h.panel} />
      return framing ? <WebPanel a={a} group={h.group} panel={h.panel} /> : <Elsewhere to={pathOf(h.group, h.panel.id)} />
    case 'nowhere':
      return <Nowhere a={a} />
    default:
      return <Home a={a} />
  }
}

// Another document shows that.
function Elsewhere({ to }: { to: string }) {
  useEffect(() => go(to, true), [to])
  return <Waiting />
}

function Waiting() {
  return (
    <main class="chat">
      <div class="pad">
        <Bones />
      </div>
    </main>
  )
}

function Nowhere({ a }: { a: Account }) {
  if (!a.loaded.value) return <Waiting />
  return (
    <main class="nowhere">
      <h1>{t('error.notFound')}</h1>
      <p class="soft">{t('error.notFoundHint')}</p>
      <a href="/home">{t('error.home')}</a>
    </main>
  )
}

// The thin bars on top: how the connection is, and that a guest is a guest.
function Top({ a }: { a: Account }) {
  return (
    <div class="top">
      <Connection a={a} />
      <ViewedAs a={a} />
      {a.me.value.guest && (
        <p class="bar claim">
          {t('claim.banner')}
          <button type="button" class="link" onClick={() => (open.value = { is: 'claim' })}>
            {t('claim.action')}
          </button>
        </p>
      )}
    </div>
  )
}

function ViewedAs({ a }: { a: Account }) {
  const as = a.asRole.value
  if (as === undefined) return null
  return (
    <p class="bar claim" role="status">
      <Icon name="eye" size={16} />
      {t('role.viewing', { group: a.group(as.group)?.name ?? '', role: roleName(as.role) })}
      <button type="button" class="link" onClick={() => (a.asRole.value = undefined)}>
        {t('role.viewStop')}
      </button>
    </p>
  )
}

function Connection({ a }: { a: Account }) {
  const phase = a.phase.value
  const now = useNow(phase.is === 'waiting' ? 500 : 60_000)
  if (phase.is === 'waiting')
    return (
      <p class="bar waiting" role="status">
        {t('link.reconnecting', { n: Math.max(0, Math.ceil((phase.until - now) / 1000)) })}
        <button type="button" class="link" onClick={() => a.reconnect()}>
          {t('link.now')}
        </button>
      </p>
    )
  if (phase.is === 'offline')
    return (
      <p class="bar offline" role="status">
        <Icon name="wifi-off" size={16} />
        {t('link.offline')}
      </p>
    )
  return phase.is === 'connecting' ? <p class="bar thin" role="status" aria-label={t('link.connecting')} /> : null
}

function BottomTabs({ a }: { a: Account }) {
  const r = route.value
  const chats = unreadOf(a, a.directs.value.flatMap((g) => g.panels))
  const groups = unreadOf(a, a.places.value.flatMap((g) => g.panels))
  const first = a.places.value[0]
  const pinned = beside.value !== undefined ? pinnedNow(a) : undefined
  return (
    <nav class="tabs" aria-label="Kith">
      <a href="/home" aria-current={r.at === 'home' || r.at === 'direct' || r.at === 'friends' ? 'page' : undefined}>
        <Icon name="message-circle" />
        {t('shell.chats')}
        {chats.count > 0 && <i class="dot" />}
      </a>
      <a href={first !== undefined ? `/g/${first.id}` : '/home'} aria-current={r.at === 'group' || r.at === 'group-settings' ? 'page' : undefined}>
        <Icon name="users" />
        {t('shell.groups')}
        {groups.count > 0 && <i class="dot" />}
      </a>
      {pinned !== undefined && (
        <a href={`/g/${pinned.group.id}/${pinned.panel.id}`}>
          <Icon name="panel-right" />
          {pinned.panel.name}
        </a>
      )}
      <a href="/settings/account" aria-current={r.at === 'settings' ? 'page' : undefined}>
        <Icon name="user" />
        {t('shell.me')}
      </a>
    </nav>
  )
}

function Dialogs({ a }: { a: Account }) {
  const o = open.value
  const close = (): void => void (open.value = undefined)
  switch (o?.is) {
    case 'new-group':
      return <NewGroup a={a} onClose={close} />
    case 'new-panel':
      return <NewPanel a={a} group={o.group} {...(o.parent !== undefined && { parent: o.parent })} onClose={close} />
    case 'panel':
    case 'delete-panel': {
      const panel = a.panels(o.group).value?.find((p) => p.id === o.panel)
      if (panel === undefined) return null
      return o.is === 'panel' ? <PanelSettings a={a} group={o.group} panel={panel} onClose={close} /> : <DeletePanel a={a} group={o.group} panel={panel} onClose={close} />
    }
    case 'moderate':
      return <Moderate a={a} act={o.act} group={o.group} user={o.user} handle={o.handle} onClose={close} />
    case 'invite':
      return <InviteDialog a={a} group={o.group} onClose={close} />
    case 'paste-invite':
      return <PasteInvite onClose={close} />
    case 'write':
      return <Write a={a} onClose={close} />
    case 'person':
      return <PersonCard key={o.uid} a={a} uid={o.uid} {...(o.group !== undefined && { group: o.group })} onClose={close} />
    case 'proof':
      return <ProofDialog key={o.id} a={a} group={o.group} id={o.id} onClose={close} />
    case 'handle':
      return <HandleDialog a={a} onClose={close} />
    case 'claim':
      return <Claim a={a} onClose={close} />
    case 'switcher':
      return <Switcher a={a} onClose={close} />
    case 'keys':
      return (
        <Dialog title={t('settings.keys')} closeLabel={t('app.close')} onClose={close}>
          <KeyList />
        </Dialog>
      )
    default:
      return null
  }
}

function keys(e: KeyboardEvent, a: Account): void {
  const h = here.value
  if (withCtrl(e) && e.key === 'k') open.value = { is: 'switcher' }
  else if (withCtrl(e) && e.key === ',') go('/settings/account')
  else if (withCtrl(e) && e.key === '/') open.value = { is: 'keys' }
  else if (e.altKey && !e.ctrlKey && (e.key === 'ArrowUp' || e.key === 'ArrowDown') && h !== undefined) {
    const panels = (h.panels ?? []).filter((p) => isPlace(p) && (!e.shiftKey || p.id === h.panelId || a.unread.value.has(p.id)))
    const at = panels.findIndex((p) => p.id === h.panelId)
    const to = panels[(at + (e.key === 'ArrowDown' ? 1 : -1) + panels.length) % panels.length]
    if (to !== undefined) go(pathOf(h.group, to.id))
  } else if (e.altKey && e.code === 'KeyI' && h?.group.kind === 'group') open.value = { is: 'invite', group: h.group.id }
  else if (e.key === 'Escape' && open.value === undefined && h?.panelId !== undefined) {
    if (membersShown.value && !matchMedia('(min-width: 1200px)').matches) showMembers(false)
    else a.markRead(h.group.id, h.panelId)
    return
  } else if (e.key === 'F6') {
    const panes = [...document.querySelectorAll<HTMLElement>('.rail, .sidebar, .log, .composer, .members')]
    const at = panes.findIndex((p) => p.contains(document.activeElement))
    const to = panes[(at + (e.shiftKey ? -1 : 1) + panes.length) % panes.length]
    to?.querySelector<HTMLElement>('a, button, textarea, article')?.focus()
  } else return
  e.preventDefault()
}
