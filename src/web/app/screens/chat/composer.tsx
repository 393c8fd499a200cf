import { useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Account, Group, Timeline } from '@kith/client'
import { plain } from '@kith/markdown'
import { Icon } from '@kith/ui'
import { nameOf } from '../../lib/format'
import { useAsked, useNow } from '../../lib/hooks'
import { t } from '../../lib/i18n'
import { attempt } from '../../lib/session'
import { calledIn, Face } from '../person'
import type { Aside } from './chat'

const TEXT_MAX = 8000
const DRAFT_MS = 300

interface Props {
  a: Account
  group: Group
  panel: string
  title: string
  timeline: Timeline
  slow: number
  aside: Aside | undefined
  onAside: (x: Aside | undefined) => void
  // Written into at once.
  focus: boolean
}

// Where one writes. What stands here is kept as a draft until it is sent.
export function Composer({ a, group, panel, title, timeline, slow, aside, onAside, focus }: Props) {
  const ref = useRef<HTMLTextAreaElement>(null)
  const [text, setText] = useState('')
  const draft = useRef('')
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  const mention = useMention(a, group, ref, text, setText)
  const over = [...text].length - TEXT_MAX
  const slowly = useSlow(a, group, panel, timeline, slow)

  useEffect(() => {
    let gone = false
    void a.draft(panel).then((d) => {
      if (gone) return
      draft.current = d
      setText((now) => (now === '' ? d : now))
    })
    if (focus && matchMedia('(hover: hover)').matches) ref.current?.focus()
    return () => {
      gone = true
    }
  }, [panel])
  // written on another device, while nothing else stands here
  const theirs = a.drafts.value.get(panel) ?? ''
  useEffect(() => {
    if (aside?.is === 'edit' || theirs === draft.current) return
    const was = draft.current
    draft.current = theirs
    setText((now) => (now === was ? theirs : now))
  }, [theirs])
  useEffect(() => {
    if (aside?.is === 'edit') setText(aside.to.text)
    if (aside !== undefined) ref.current?.focus()
  }, [aside])
  useLayoutEffect(() => {
    const box = ref.current
    if (box === null) return
    box.style.height = '0'
    box.style.height = `${Math.min(box.scrollHeight, innerHeight * 0.4)}px`
  }, [text])

  const write = (value: string): void => {
    setText(value)
    if (aside?.is === 'edit') return
    if (value.trim() !== '') a.typingNow(group.id, panel)
    clearTimeout(timer.current)
    draft.current = value
    timer.current = setTimeout(() => void a.setDraft(panel, value), DRAFT_MS)
  }
  const leave = (): void => {
    if (aside?.is === 'edit') setText(draft.current)
    onAside(undefined)
  }
  const send = (): void => {
    const said = text.trim()
    if (said === '' || over > 0 || (slowly.wait > 0 && aside?.is !== 'edit')) return
    clearTimeout(timer.current)
    if (aside?.is === 'edit') {
      const { to } = aside
      setText('')
      onAside(undefined)
      if (said !== to.text) void attempt(() => a.call('message.edit', { group: group.id, id: to.id, text: said }))
      return
    }
    setText('')
    draft.current = ''
    void a.setDraft(panel, '')
    slowly.sent()
    void a.outbox.add(group.id, panel, said, aside?.to.id)
    onAside(undefined)
  }
  const onKey = (e: KeyboardEvent): void => {
    if (e.isComposing || mention.onKey(e)) return
    if (e.key === 'Enter' && !e.shiftKey && !e.altKey) {
      e.preventDefault()
      send()
    } else if (e.key === 'Escape' && aside !== undefined) {
      e.preventDefault()
      e.stopPropagation()
      leave()
    } else if (e.key === 'ArrowUp' && text === '' && aside === undefined) {
      const own = timeline.messages.value.findLast((m) => m.uid === a.me.value.uid && m.state === 'visible')
      if (own === undefined) return
      e.preventDefault()
      onAside({ is: 'edit', to: own })
    }
  }
  return (
    <form
      class="composer"
      onSubmit={(e) => {
        e.preventDefault()
        send()
      }}
    >
      {mention.list}
      {aside !== undefined && (
        <p class="aside">
          <Icon name={aside.is === 'edit' ? 'pencil' : 'reply'} size={16} />
          <span>{aside.is === 'edit' ? t('chat.editing') : t('chat.replyingTo', { name: nameOf(aside.to.author) })}</span>
          {aside.is === 'reply' && <q>{plain(aside.to.text).slice(0, 120)}</q>}
          <button type="button" class="plain" aria-label={t('app.cancel')} onClick={leave}>
            <Icon name="x" size={16} />
          </button>
        </p>
      )}
      <div class="line">
        <textarea
          ref={ref}
          rows={1}
          value={text}
          aria-label={t('chat.placeholder', { panel: title })}
          placeholder={t('chat.placeholder', { panel: title })}
          onInput={(e) => write(e.currentTarget.value)}
          onKeyDown={onKey}
          {...mention.aria}
        />
        {over > 0 && <small class="over">{t('chat.tooLong', { n: over })}</small>}
        {slow > 0 && aside?.is !== 'edit' && (
          <small class="slow" role="timer" title={t('chat.slow')}>
            <Icon name="clock" size={14} />
            {slowly.wait > 0 ? t('chat.slowWait', { n: slowly.wait }) : t('chat.slow')}
          </small>
        )}
        <button type="submit" class="send" aria-label={t('chat.send')} title={t('chat.send')} disabled={text.trim() === '' || over > 0 || (slowly.wait > 0 && aside?.is !== 'edit')}>
          <Icon name="send-horizontal" />
        </button>
      </div>
    </form>
  )
}

// In slow mode: how many seconds until one may write again.
function useSlow(a: Account, group: Group, panel: string, timeline: Timeline, slow: number): { wait: number; sent: () => void } {
  const [sentAt, setSentAt] = useState(0)
  const { value } = useAsked(async () => (slow > 0 ? a.call('group.perms', { group: group.id, panel }) : undefined), [panel, slow])
  const now = useNow(slow > 0 ? 500 : 3_600_000)
  if (slow === 0 || value?.perms.includes('message.bypass_slow') === true) return { wait: 0, sent: () => undefined }
  const own = timeline.messages.value.findLast((m) => m.uid === a.me.value.uid)?.clock ?? 0
  return { wait: Math.max(0, Math.ceil((Math.max(own, sentAt) + slow * 1000 - now) / 1000)), sent: () => setSentAt(Date.now()) }
}

// @ and the beginning of a name: who is meant? Arrows and Enter choose.
function useMention(a: Account, group: Group, ref: { readonly current: HTMLTextAreaElement | null }, text: string, setText: (s: string) => void) {
  const id = useId()
  const [at, setAt] = useState(0)
  const [closed, setClosed] = useState('')
  const end = ref.current?.selectionStart ?? text.length
  const word = /(?:^|\s)@([\p{L}\p{N}_.-]*)$/u.exec(text.slice(0, end))?.[1]
  const members = a.members(group.id).value
  const found = useMemo(() => {
    if (word === undefined || members === undefined) return []
    const low = word.toLowerCase()
    return members.filter((m) => [m.handle, m.nick, a.people.friend(m.uid)?.remark ?? ''].some((n) => n.toLowerCase().startsWith(low)) && m.uid !== a.me.value.uid && !m.banned).slice(0, 6)
  }, [word, members])
  const shown = word !== undefined && found.length > 0 && closed !== text
  const choose = (i: number): void => {
    const m = found[i]
    if (m === undefined || word === undefined) return
    const from = end - word.length
    setText(`${text.slice(0, from)}${nameOf(m.handle)} ${text.slice(end)}`)
    setAt(0)
    ref.current?.focus()
  }
  const onKey = (e: KeyboardEvent): boolean => {
    if (!shown) return false
    if (e.key === 'ArrowDown') setAt((at + 1) % found.length)
    else if (e.key === 'ArrowUp') setAt((at + found.length - 1) % found.length)
    else if (e.key === 'Enter' || e.key === 'Tab') choose(Math.min(at, found.length - 1))
    else if (e.key === 'Escape') setClosed(text)
    else return false
    e.preventDefault()
    e.stopPropagation()
    return true
  }
  return {
    onKey,
    aria: shown ? { 'aria-controls': id, 'aria-autocomplete': 'list' as const, 'aria-activedescendant': `${id}-${at}` } : {},
    list: shown && (
      <ul id={id} class="mentions" role="listbox" aria-label={t('shell.members')}>
        {found.map((m, i) => (
          <li
            key={m.uid}
            id={`${id}-${i}`}
            role="option"
            aria-selected={i === at}
            onMouseDown={(e) => {
              e.preventDefault()
              choose(i)
            }}
          >
            <Face a={a} uid={m.uid} handle={m.handle} group={group.id} size={24} />
            <span>{calledIn(a, m.uid, m.handle, group.id)}</span>
            <small class="soft">{m.node === a.me.value.node ? nameOf(m.handle) : `${nameOf(m.handle)} · ${m.node_name}`}</small>
          </li>
        ))}
      </ul>
    ),
  }
}
