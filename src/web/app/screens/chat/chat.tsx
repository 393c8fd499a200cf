import { useEffect, useState } from 'preact/hooks'
import type { Account, Group, Message, Panel } from '@kith/client'
import { Icon } from '@kith/ui'
import { t } from '../../lib/i18n'
import { membersShown, open, showMembers } from '../open'
import { calledIn } from '../person'
import { titleOf } from '../place'
import { iconOf } from '../tree'
import { Composer } from './composer'
import { MessageList } from './list'

// What the composer is doing beside writing something new.
export type Aside = { readonly is: 'reply' | 'edit'; readonly to: Message }

// One panel: its head, its messages, who is writing, and the place to write.
// Pinned to the right it has another frame, and onUnpin.
export function Chat({ a, group, panel, onUnpin }: { a: Account; group: Group; panel: Panel; onUnpin?: () => void }) {
  const Frame = onUnpin !== undefined ? 'section' : 'main'
  const timeline = a.timeline(group.id, panel.id)
  const [aside, setAside] = useState<Aside | undefined>(undefined)
  useEffect(() => {
    setAside(undefined)
    void a.show(group.id, panel.id)
    return () => a.hide(panel.id)
  }, [a, group.id, panel.id])
  const title = group.kind === 'direct' ? titleOf(a, group) : panel.name
  return (
    <Frame class="chat" aria-label={title}>
      <header>
        {onUnpin === undefined && (
          <a class="button plain back" href={group.kind === 'direct' ? '/home' : `/g/${group.id}?list`} aria-label={t('shell.back')}>
            <Icon name="chevron-left" />
          </a>
        )}
        <Icon name={group.kind === 'direct' ? 'at-sign' : iconOf(panel)} />
        <h1>{title}</h1>
        {panel.topic !== '' && group.kind === 'group' && <p class="topic">{panel.topic}</p>}
        <span class="grow" />
        {onUnpin !== undefined ? (
          <button type="button" class="plain" aria-label={t('panel.unpin')} title={t('panel.unpin')} onClick={onUnpin}>
            <Icon name="x" />
          </button>
        ) : (
          <Tools group={group} />
        )}
      </header>
      <MessageList key={panel.id} a={a} group={group} title={title} timeline={timeline} onAside={setAside} mayWrite={panel.may_send} />
      <Writing a={a} group={group} panel={panel.id} />
      {panel.may_send ? (
        <Composer key={`c${panel.id}`} focus={onUnpin === undefined} a={a} group={group} panel={panel.id} title={title} timeline={timeline} slow={panel.slow} aside={aside} onAside={setAside} />
      ) : (
        <WhyNot a={a} group={group} panel={panel} />
      )}
    </Frame>
  )
}

function Tools({ group }: { group: Group }) {
  return (
    <>
      <small class="soft reach">
        {t('member.count', { n: group.members })} · {t('member.servers', { n: group.nodes })}
      </small>
      {group.kind === 'group' && (
        <button type="button" class="plain" aria-label={t('shell.invite')} title={`${t('shell.invite')} (Alt+I)`} onClick={() => (open.value = { is: 'invite', group: group.id })}>
          <Icon name="user-plus" />
        </button>
      )}
      <button type="button" class="plain" aria-pressed={membersShown.value} aria-label={t('shell.showMembers')} title={t('shell.showMembers')} onClick={() => showMembers(!membersShown.value)}>
        <Icon name="users" />
      </button>
    </>
  )
}

// What keeps one from writing here.
function WhyNot({ a, group, panel }: { a: Account; group: Group; panel: Panel }) {
  const me = a.members(group.id).value?.find((m) => m.uid === a.me.value.uid)
  const key = !panel.open ? 'chat.closed' : me?.muted === true ? 'chat.muted' : panel.kind === 'announcement' ? 'chat.announcements' : 'chat.readOnly'
  return <p class="read-only">{t(key)}</p>
}

function Writing({ a, group, panel }: { a: Account; group: Group; panel: string }) {
  const uids = [...(a.typing.value.get(panel)?.keys() ?? [])].filter((u) => u !== a.me.value.uid && !a.people.isBlocked(u))
  const names = uids.map((u) => calledIn(a, u, a.people.person(u, group.id).value?.handle ?? '', group.id)).filter((n) => n !== '')
  return (
    <p class="writing" aria-live="off">
      {uids.length === 0 ? '' : names.length === uids.length && names.length <= 3 ? t('chat.typing', { n: names.length, names: names.join(', ') }) : t('chat.typingMany')}
    </p>
  )
}
