import { useComputed } from '@preact/signals'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { ComponentChildren, FunctionComponent, Ref } from 'preact'
import { VList as AnyVList, type VListHandle } from 'virtua'
import type { Account, Group, Timeline } from '@kith/client'
import { Icon } from '@kith/ui'
import { dayOf } from '../../lib/format'
import { t } from '../../lib/i18n'
import { Bones } from '../sidebar'
import type { Aside } from './chat'
import { MessageRow, PendingRow } from './message'
import { Rows, type Row } from './rows'

const NEAR_PX = 80

// virtua speaks of React's types; these are the properties that are used here.
const VList = AnyVList as unknown as FunctionComponent<{
  ref: Ref<VListHandle>
  shift: boolean
  onScroll: (offset: number) => void
  className: string
  tabIndex: number
  data: readonly Row[]
  children: (r: Row) => ComponentChildren
}>

interface Props {
  a: Account
  group: Group
  title: string
  timeline: Timeline
  onAside: (x: Aside) => void
  mayWrite: boolean
}

/*
 * The messages. At the bottom it follows what is new; elsewhere the reader's place stays, whatever
 * arrives above or below it.
 */
export function MessageList({ a, group, title, timeline, onAside, mayWrite }: Props) {
  const list = useRef<VListHandle>(null)
  const atBottom = useRef(true)
  const was = useRef(0)
  const [away, setAway] = useState(false)
  const [prepending, setPrepending] = useState(false)
  const me = a.me.value.uid
  const maker = useRef(new Rows())
  const rows = useComputed(() => maker.current.of(timeline, me)).value
  const oldest = timeline.messages.value[0]?.id
  const before = useRef(oldest)
  const said = useAnnounced(rows, me)

  // what came in above moves the list down by as much; virtua wants to know before it draws
  const shift = prepending || (before.current !== undefined && before.current !== oldest && timeline.find(before.current) !== undefined)
  useLayoutEffect(() => {
    before.current = oldest
  })
  useLayoutEffect(() => {
    if (atBottom.current && rows.length > 0) list.current?.scrollToIndex(rows.length - 1, { align: 'end' })
  }, [rows.length, rows[rows.length - 1]?.key])
  const read = (): void => {
    if (atBottom.current && document.hasFocus()) a.markRead(group.id, timeline.panel)
  }
  useEffect(read, [rows.length])
  useEffect(() => {
    window.addEventListener('focus', read)
    return () => window.removeEventListener('focus', read)
  })

  const older = async (): Promise<void> => {
    if (prepending || timeline.atBeginning.value || timeline.state.value !== 'ready') return
    setPrepending(true)
    await timeline.older().catch(() => undefined)
    setPrepending(false)
  }
  const onScroll = (offset: number): void => {
    const l = list.current
    if (l === null) return
    const there = offset + l.viewportSize >= l.scrollSize - NEAR_PX
    // only who goes up leaves the bottom; that it has moved away, since more has come or has been measured, is followed
    if (there) atBottom.current = true
    else if (offset < was.current) atBottom.current = false
    was.current = offset
    if (atBottom.current && !there) l.scrollToIndex(rows.length - 1, { align: 'end' })
    setAway(!atBottom.current)
    read()
    if (offset < 600) void older()
  }
  const toBottom = (): void => {
    atBottom.current = true
    list.current?.scrollToIndex(rows.length - 1, { align: 'end' })
  }
  const late = timeline.late.value
  const showLate = (): void => {
    const at = rows.findIndex((r) => r.is === 'message' && late !== undefined && r.m.order >= late.first)
    if (at >= 0) list.current?.scrollToIndex(at, { align: 'center' })
    timeline.late.value = undefined
  }
  const move = (e: KeyboardEvent): void => {
    if (!(e.target instanceof HTMLElement) || !e.target.matches('article')) return
    const by = e.key === 'ArrowDown' || e.key === 'j' ? 1 : e.key === 'ArrowUp' || e.key === 'k' ? -1 : 0
    if (by === 0) return
    const all = [...(e.currentTarget as HTMLElement).querySelectorAll<HTMLElement>('article')]
    all[all.indexOf(e.target) + by]?.focus()
    e.preventDefault()
  }

  const state = timeline.state.value
  return (
    <div class="log-frame">
      {late !== undefined && (
        <p class="late-bar" role="status">
          {t('chat.late', { n: late.count })}
          <button type="button" class="link" onClick={showLate}>
            {t('chat.lateShow')}
          </button>
          <button type="button" class="plain" aria-label={t('app.close')} onClick={() => (timeline.late.value = undefined)}>
            <Icon name="x" size={16} />
          </button>
        </p>
      )}
      <div class="log" role="log" aria-label={t('chat.log', { panel: title })} aria-live="off" onKeyDown={move}>
        {rows.length === 0 || (rows.length === 1 && rows[0]?.is === 'beginning') ? (
          state === 'ready' || state === 'stale' ? (
            <p class="empty">{t('chat.empty')}</p>
          ) : (
            <div class="pad">
              <Bones />
            </div>
          )
        ) : (
          <VList ref={list} data={rows} shift={shift} onScroll={onScroll} className="scroller" tabIndex={-1}>
            {(r) => <Line key={r.key} r={r} a={a} group={group} title={title} timeline={timeline} onAside={onAside} mayWrite={mayWrite} />}
          </VList>
        )}
      </div>
      <p class="hidden" role="status">
        {said}
      </p>
      {away && (
        <button type="button" class="jump" onClick={toBottom}>
          <Icon name="arrow-down" size={18} />
          {t('chat.jump')}
        </button>
      )}
    </div>
  )
}

function Line({ r, title, ...rest }: Props & { r: Row }) {
  switch (r.is) {
    case 'beginning':
      return <p class="beginning">{t('chat.beginning', { panel: title })}</p>
    case 'day':
      return (
        <div class="day" role="separator">
          <span>{dayOf(r.ms)}</span>
        </div>
      )
    case 'new':
      return (
        <div class="new-line" role="separator">
          <span>{t('chat.new')}</span>
        </div>
      )
    case 'message':
      return <MessageRow m={r.m} head={r.head} {...rest} />
    case 'pending':
      return <PendingRow p={r.p} head={r.head} {...rest} />
  }
}

// Screen readers hear of what others say at most every three seconds.
function useAnnounced(rows: readonly Row[], me: string): string {
  const seen = useRef<string | undefined>(undefined)
  const since = useRef(0)
  const [text, setText] = useState('')
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  const last = rows[rows.length - 1]
  useEffect(() => {
    if (last?.is !== 'message') return
    const first = seen.current === undefined
    if (seen.current === last.key) return
    seen.current = last.key
    if (first || last.m.uid === me) return
    since.current++
    timer.current ??= setTimeout(() => {
      timer.current = undefined
      setText(t('chat.announced', { n: since.current }))
      since.current = 0
    }, 3000)
  }, [last?.key])
  return text
}
