import { useState } from 'preact/hooks'
import type { Account, Friend, Found } from '@kith/client'
import { tame } from '@kith/markdown'
import { Crest, Icon, toast } from '@kith/ui'
import { t } from '../lib/i18n'
import { attempt } from '../lib/session'
import { go } from '../router'
import { Field } from './field'
import { calledIn, Face, FoundList, showPerson } from './person'
import { Bones } from './sidebar'
import { Tabs } from './tabs'

const tabs = ['all', 'requests', 'blocked'] as const

// Friends on all servers, who asks to be one, and who is shut out.
export default function Friends({ a, tab }: { a: Account; tab: string }) {
  const at = tabs.find((x) => x === tab) ?? 'all'
  const all = a.people.friends.value
  const asked = (all ?? []).filter((f) => f.friend === 'incoming')
  return (
    <Tabs
      title={t('friend.title')}
      back="/home"
      tabs={tabs.map((id) => ({ id, name: id === 'requests' && asked.length > 0 ? `${t('friend.requests')} (${asked.length})` : t(`friend.${id}`), to: id === 'all' ? '/friends' : `/friends/${id}` }))}
      at={at}
    >
      {at !== 'blocked' && <Add a={a} />}
      {all === undefined ? <Bones /> : <List a={a} all={all} at={at} />}
    </Tabs>
  )
}

function List({ a, all, at }: { a: Account; all: readonly Friend[]; at: (typeof tabs)[number] }) {
  const fits = (f: Friend): boolean => (at === 'all' ? f.friend === 'friend' : at === 'requests' ? f.friend === 'incoming' || f.friend === 'outgoing' : f.blocked)
  const rank = (f: Friend): number => (f.friend === 'incoming' ? 0 : 1) + (f.favourite ? 0 : 2) + (a.people.presenceOf(f.uid) === 'offline' ? 4 : 0)
  const shown = all.filter(fits).sort((x, y) => rank(x) - rank(y) || calledIn(a, x.uid, x.handle).localeCompare(calledIn(a, y.uid, y.handle)))
  if (shown.length === 0) return <p class="soft">{t(`friend.none.${at}`)}</p>
  return (
    <ul class="table friends">
      {shown.map((f) => (
        <Row key={f.uid} a={a} f={f} />
      ))}
    </ul>
  )
}

function Row({ a, f }: { a: Account; f: Friend }) {
  const name = calledIn(a, f.uid, f.handle)
  const call = (method: 'friend.accept' | 'friend.remove'): void => void attempt(() => a.call(method, { user: f.uid }).then(() => a.people.loadFriends()))
  const write = (): void =>
    void attempt(async () => {
      const dm = await a.call('dm.open', { users: [f.uid] })
      await a.loadGroups()
      go(`/dm/${dm.group}`)
    })
  return (
    <li>
      <button type="button" class="row tall" onClick={() => showPerson(f.uid)} title={f.handle}>
        <Face a={a} uid={f.uid} handle={f.handle} presence />
        <span>
          {name}
          {f.favourite && <Icon name="star" size={13} label={t('person.isFavourite')} />}
          <small class="server">
            {f.status !== '' ? (
              tame(f.status)
            ) : (
              <>
                <Crest node={f.node} />
                {f.node_name}
              </>
            )}
          </small>
        </span>
      </button>
      {f.friend === 'friend' && (
        <button type="button" class="plain" aria-label={t('friend.writeTo', { name })} title={t('member.write')} onClick={write}>
          <Icon name="message-circle" />
        </button>
      )}
      {f.friend === 'incoming' && (
        <button type="button" class="main" onClick={() => call('friend.accept')}>
          {t('friend.accept')}
        </button>
      )}
      {(f.friend === 'incoming' || f.friend === 'outgoing') && (
        <button type="button" onClick={() => call('friend.remove')}>
          {f.friend === 'incoming' ? t('friend.deny') : t('friend.cancel')}
        </button>
      )}
      {f.blocked && (
        <button type="button" onClick={() => void attempt(() => a.call('friend.set', { user: f.uid, blocked: false }).then(() => a.people.loadFriends()))}>
          {t('person.unblock')}
        </button>
      )}
    </li>
  )
}

function Add({ a }: { a: Account }) {
  // from the code that somebody shows
  const [text, setText] = useState(() => new URLSearchParams(location.search).get('add') ?? '')
  const [several, setSeveral] = useState<readonly Found[]>([])
  const ask = (p: Found): Promise<boolean> =>
    attempt(async () => {
      const { state } = await a.call('friend.request', { user: p.uid })
      await a.people.loadFriends()
      setText('')
      setSeveral([])
      toast(state === 'friend' ? t('friend.isNow', { name: p.handle }) : t('friend.asked', { name: p.handle }))
    })
  const find = (): Promise<boolean> =>
    attempt(async () => {
      const users = (await a.call('user.find', { text: text.trim() })).users.filter((u) => u.uid !== a.me.value.uid)
      const [one] = users
      if (one === undefined) toast(t('home.none'), true)
      else if (users.length === 1) await ask(one)
      else setSeveral(users)
    })
  return (
    <section>
      <form
        class="find"
        onSubmit={(e) => {
          e.preventDefault()
          void find()
        }}
      >
        <Field label={t('friend.addBy')} hint={t('friend.addHint')} value={text} onValue={setText} required maxLength={320} />
        <button type="submit" class="main">
          {t('friend.add')}
        </button>
      </form>
      <FoundList a={a} found={several} onPick={ask} />
    </section>
  )
}
