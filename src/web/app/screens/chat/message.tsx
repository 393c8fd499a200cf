import { useEffect, useRef, useState } from 'preact/hooks'
import type { Account, Group, Message, Pending, Timeline } from '@kith/client'
import { plain, tame } from '@kith/markdown'
import { Crest, Icon, Menu, toast, type MenuItem } from '@kith/ui'
import { nameOf, timeOf, whenOf } from '../../lib/format'
import { t } from '../../lib/i18n'
import { attempt } from '../../lib/session'
import { open } from '../open'
import { canModerate } from '../members'
import { calledIn, Face, showPerson } from '../person'
import { Rich } from '../rich'
import type { Aside } from './chat'

const RECALL_MS = 120_000
const quick = ['👍', '❤️', '😄', '🎉', '😮', '😢', '🙏', '👀']

interface Around {
  a: Account
  group: Group
  timeline: Timeline
  onAside: (x: Aside) => void
  mayWrite: boolean
}

export function MessageRow({ m, head, a, group, timeline, onAside, mayWrite }: Around & { m: Message; head: boolean }) {
  const [menu, setMenu] = useState<{ x: number; y: number } | undefined>(undefined)
  const [picking, setPicking] = useState<{ x: number; y: number } | undefined>(undefined)
  const ref = useRef<HTMLElement>(null)
  const me = a.me.value
  const mine = m.uid === me.uid
  const name = calledIn(a, m.uid, m.author, group.id)
  const gone = m.state === 'recalled' || m.state === 'removed'
  const away = m.node !== me.node
  const react = (emoji: string): void => {
    const on = m.reactions.find(([e]) => e === emoji)?.[2] !== true
    void attempt(() => a.call('message.react', { group: group.id, id: m.id, emoji, on }))
  }
  const [unhidden, unhide] = useState(false)
  const items = gone ? [] : actions({ m, mine, a, group, timeline, onAside, mayWrite })
  const openMenu = (x: number, y: number): void => {
    if (items.length > 0) setMenu({ x, y })
  }
  const below = (): { x: number; y: number } => {
    const box = ref.current?.getBoundingClientRect()
    return { x: (box?.left ?? 0) + 60, y: (box?.top ?? 0) + 30 }
  }
  const onKey = (e: KeyboardEvent): void => {
    if (e.target !== e.currentTarget || e.ctrlKey || e.metaKey || e.altKey || gone) return
    const key = e.key.toLowerCase()
    if (key === 'r' && mayWrite) onAside({ is: 'reply', to: m })
    else if (key === 'e' && mine && mayWrite) onAside({ is: 'edit', to: m })
    else if (e.key === '+') setPicking(below())
    else if (e.key === 'Enter' || (e.shiftKey && e.key === 'F10')) openMenu(below().x, below().y)
    else return
    e.preventDefault()
  }
  if (!unhidden && a.people.isBlocked(m.uid))
    return (
      <article class="message blocked" tabIndex={0}>
        <div class="side" />
        <p class="gone">
          {t('chat.blocked')}
          <button type="button" class="link" onClick={() => unhide(true)}>
            {t('chat.showAnyway')}
          </button>
        </p>
      </article>
    )
  return (
    <article
      ref={ref}
      class={`message${head ? ' head' : ''}${mine ? ' mine' : ''}`}
      tabIndex={0}
      aria-label={`${name}, ${timeOf(m.clock)}`}
      onKeyDown={onKey}
      onContextMenu={(e) => {
        if (items.length === 0 || (e.target instanceof Element && e.target.closest('a'))) return
        e.preventDefault()
        openMenu(e.clientX, e.clientY)
      }}
    >
      {m.reply !== null && <Quote a={a} timeline={timeline} id={m.reply} />}
      <div class="side">{head ? <Face a={a} uid={m.uid} handle={m.author} group={group.id} size={36} /> : <time title={whenOf(m.clock)}>{timeOf(m.clock)}</time>}</div>
      <div class="body">
        {head && (
          <p class="byline">
            <button type="button" class="name" title={m.author} tabIndex={-1} onClick={() => showPerson(m.uid, group.id)}>
              {tame(name)}
            </button>
            {away && (
              <span class="server" title={m.author}>
                <Crest node={m.node} />
                {m.author.split('@')[1] ?? ''}
              </span>
            )}
            <time title={whenOf(m.clock)}>{timeOf(m.clock)}</time>
          </p>
        )}
        {gone ? <p class="gone">{m.state === 'recalled' ? t('chat.recalled') : t('chat.removed')}</p> : <Rich text={m.text} me={[nameOf(me.handle), me.nick]} />}
        <Marks m={m} />
        {mine && !gone && <Tick m={m} a={a} group={group} />}
        {m.reactions.length > 0 && (
          <ul class="reactions">
            {m.reactions.map(([emoji, n, own]) => (
              <li key={emoji}>
                <button type="button" aria-pressed={own} aria-label={t('chat.reactedBy', { emoji, n })} onClick={() => react(emoji)}>
                  <span aria-hidden="true">
                    {emoji} {n}
                  </span>
                </button>
              </li>
            ))}
          </ul>
        )}
      </div>
      {!gone && (
        <div class="hover">
          <button
            type="button"
            class="plain"
            tabIndex={-1}
            aria-label={t('chat.react')}
            title={t('chat.react')}
            onClick={(e) => setPicking({ x: e.currentTarget.getBoundingClientRect().left - 120, y: e.currentTarget.getBoundingClientRect().bottom })}
          >
            <Icon name="smile" size={18} />
          </button>
          {mayWrite && (
            <button type="button" class="plain" tabIndex={-1} aria-label={t('chat.reply')} title={t('chat.reply')} onClick={() => onAside({ is: 'reply', to: m })}>
              <Icon name="reply" size={18} />
            </button>
          )}
          <button
            type="button"
            class="plain"
            tabIndex={-1}
            aria-label={t('app.more')}
            title={t('app.more')}
            aria-haspopup="menu"
            onClick={(e) => openMenu(e.currentTarget.getBoundingClientRect().left - 120, e.currentTarget.getBoundingClientRect().bottom)}
          >
            <Icon name="ellipsis" size={18} />
          </button>
        </div>
      )}
      {menu !== undefined && <Menu items={items} {...menu} label={t('chat.actions')} onClose={() => setMenu(undefined)} />}
      {picking !== undefined && <Picker at={picking} onPick={react} onClose={() => setPicking(undefined)} />}
    </article>
  )
}

function actions({ m, mine, a, group, timeline, onAside, mayWrite }: { m: Message; mine: boolean } & Around): MenuItem[] {
  const on = { group: group.id, id: m.id }
  const items: MenuItem[] = []
  if (mayWrite) items.push({ label: t('chat.reply'), icon: 'reply', do: () => onAside({ is: 'reply', to: m }) })
  if (mine && mayWrite) items.push({ label: t('chat.edit'), icon: 'pencil', do: () => onAside({ is: 'edit', to: m }) })
  items.push({
    label: t('chat.copyText'),
    icon: 'copy',
    do: () => void navigator.clipboard.writeText(m.text).then(() => toast(t('app.copied'))),
  })
  items.push({ label: t('chat.verify'), icon: 'shield-check', do: () => void (open.value = { is: 'proof', group: group.id, id: m.id }) })
  if (!mine) items.push({ label: t('chat.markUnread'), icon: 'rotate-cw', do: () => void attempt(() => a.markUnread(group.id, timeline.panel, m.id)) })
  if (canModerate(a, group))
    items.push({ label: m.pinned ? t('chat.unpin') : t('chat.pin'), icon: 'pin', do: () => void attempt(() => a.call('message.pin', { ...on, on: !m.pinned })) })
  if (mine && Date.now() - m.clock < RECALL_MS) items.push({ label: t('chat.recall'), icon: 'undo-2', danger: true, do: () => void attempt(() => a.call('message.recall', on)) })
  if (!mine && canModerate(a, group)) items.push({ label: t('chat.remove'), icon: 'trash-2', danger: true, do: () => void attempt(() => a.call('message.remove', on)) })
  return items
}

// One's own message: the home has it; a ring fills as other servers say that they have it, too.
function Tick({ m, a, group }: { m: Message; a: Account; group: Group }) {
  const several = group.nodes > 1
  useEffect(() => {
    if (!several) return undefined
    a.where.look(group.id, m.id)
    return () => a.where.away(m.id)
  }, [m.id, several])
  const at = several ? a.where.all.value.get(m.id) : undefined
  const words = at === undefined ? t('chat.sent') : t('chat.where', { n: at.nodes, of: at.of })
  if (at === undefined || group.kind === 'direct')
    return (
      <span class="tick" title={words}>
        {at === undefined ? <Icon name="check" size={14} label={words} /> : <Ring part={at.nodes / at.of} label={words} />}
      </span>
    )
  return (
    <a class="tick" href={`/g/${group.id}/settings/servers`} tabIndex={-1} title={words} aria-label={words}>
      <Ring part={at.nodes / at.of} />
    </a>
  )
}

function Ring({ part, label }: { part: number; label?: string }) {
  return (
    <svg class={part >= 1 ? 'ring full' : 'ring'} width="14" height="14" viewBox="0 0 14 14" {...(label === undefined ? { 'aria-hidden': true } : { role: 'img', 'aria-label': label })}>
      <circle cx="7" cy="7" r="5.5" />
      <circle class="part" cx="7" cy="7" r="5.5" pathLength="1" stroke-dasharray={`${part} 1`} />
      {part >= 1 && <path d="M4.6 7.2l1.7 1.7 3.2-3.4" />}
    </svg>
  )
}

function Marks({ m }: { m: Message }) {
  const words = [m.edited && t('chat.edited'), m.pinned && t('chat.pinned'), m.late && t('chat.lateMark'), m.state === 'waiting' && t('chat.waiting')].filter((w) => w !== false)
  return words.length === 0 ? null : <small class="marks">{words.join(' · ')}</small>
}

function Quote({ a, timeline, id }: { a: Account; timeline: Timeline; id: string }) {
  const to = timeline.find(id)
  return (
    <p class="quoted">
      <Icon name="reply" size={14} />
      {to === undefined ? (
        <em>{t('chat.replyGone')}</em>
      ) : (
        <>
          <strong>{tame(calledIn(a, to.uid, to.author, timeline.group))}</strong> <span>{to.state === 'recalled' ? t('chat.recalled') : to.state === 'removed' ? t('chat.removed') : plain(tame(to.text)).slice(0, 160)}</span>
        </>
      )}
    </p>
  )
}

function Picker({ at, onPick, onClose }: { at: { x: number; y: number }; onPick: (e: string) => void; onClose: () => void }) {
  return (
    <div class="picker-frame">
      <Menu label={t('chat.react')} x={at.x} y={at.y} onClose={onClose} items={quick.map((e) => ({ label: e, icon: 'smile' as const, do: () => onPick(e) }))} />
    </div>
  )
}

// Written here and not yet said: pending, or failed for good.
export function PendingRow({ p, head, a }: Around & { p: Pending; head: boolean }) {
  const me = a.me.value
  return (
    <article class={`message mine${head ? ' head' : ''}${p.failed !== undefined ? ' failed' : ' waiting'}`} tabIndex={0} aria-label={p.failed !== undefined ? t('chat.failedTo', { why: p.failed }) : t('chat.pending')}>
      <div class="side">{head ? <Face a={a} uid={me.uid} handle={me.handle} size={36} /> : <time>{timeOf(p.at)}</time>}</div>
      <div class="body">
        {head && (
          <p class="byline">
            <strong>{calledIn(a, me.uid, me.handle)}</strong>
            <time>{timeOf(p.at)}</time>
          </p>
        )}
        <Rich text={p.text} me={[nameOf(me.handle), me.nick]} />
        {p.failed === undefined ? (
          <small class="marks">
            <Icon name="clock" size={13} label={t('chat.pending')} />
          </small>
        ) : (
          <p class="failure" role="alert">
            <Icon name="circle-alert" size={16} />
            {t('chat.failedTo', { why: p.failed })}
            <button type="button" class="link" onClick={() => void a.outbox.retry(p.txn)}>
              {t('chat.retry')}
            </button>
            <button type="button" class="link" onClick={() => void navigator.clipboard.writeText(p.text).then(() => toast(t('app.copied')))}>
              {t('app.copy')}
            </button>
            <button type="button" class="link" onClick={() => void a.outbox.discard(p.txn)}>
              {t('chat.discard')}
            </button>
          </p>
        )}
      </div>
    </article>
  )
}
