import { useEffect, useState } from 'preact/hooks'
import type { Account, Friend, Id } from '@kith/client'
import { tame } from '@kith/markdown'
import { Crest, Dialog, Icon, Menu, toast, type MenuItem } from '@kith/ui'
import { useAsked } from '../../lib/hooks'
import { t } from '../../lib/i18n'
import { attempt } from '../../lib/session'
import { go } from '../../router'
import { Field, Lines } from '../field'
import { menuFor } from '../members'
import { calledIn, Face } from '../person'
import { Bones } from '../sidebar'

// Somebody's card: who they say they are, what one has with them, and what one may do.
export default function PersonCard({ a, uid, group, onClose }: { a: Account; uid: Id; group?: Id; onClose: () => void }) {
  const kept = a.people.friend(uid)
  const { value: p, failed } = useAsked(() => a.call('user.get', { user: uid, ...(group !== undefined && { group }) }), [a, uid, group, kept])
  return (
    <Dialog title={p === undefined ? t('person.title') : calledIn(a, uid, p.handle, group)} closeLabel={t('app.close')} onClose={onClose}>
      {p === undefined ? failed ? <p class="soft">{t('home.none')}</p> : <Bones /> : <Card a={a} p={p} {...(group !== undefined && { group })} onClose={onClose} />}
    </Dialog>
  )
}

function Card({ a, p, group, onClose }: { a: Account; p: Friend & { groups: Id[] }; group?: Id; onClose: () => void }) {
  const mine = p.uid === a.me.value.uid
  const presence = mine ? a.presence.value : a.people.presenceOf(p.uid)
  const shared = p.groups.flatMap((id) => a.group(id) ?? []).filter((g) => g.kind === 'group')
  return (
    <div class="person">
      <div class="head">
        <Face a={a} uid={p.uid} handle={p.handle} {...(group !== undefined && { group })} size={64} presence />
        <div>
          <p class="handle">
            {tame(p.handle)}
            <button type="button" class="plain" aria-label={t('app.copy')} onClick={() => void navigator.clipboard.writeText(p.handle).then(() => toast(t('app.copied')))}>
              <Icon name="copy" size={16} />
            </button>
          </p>
          <p class="soft">
            {[t(`presence.${presence}`), tame(p.pronouns), p.guest && t('member.guest')].filter(Boolean).join(' · ')}
          </p>
          <p class="server soft" title={t('person.livesAt', { server: p.node_name })}>
            <Crest node={p.node} />
            {p.node_name}
          </p>
        </div>
      </div>
      {p.status !== '' && <p class="status">{tame(p.status)}</p>}
      {p.bio !== '' && <p class="bio">{tame(p.bio)}</p>}
      {mine ? (
        <div class="buttons">
          <button
            type="button"
            class="main"
            onClick={() => {
              onClose()
              go('/settings/profile')
            }}
          >
            {t('person.edit')}
          </button>
        </div>
      ) : (
        !a.me.value.guest && <Acts a={a} p={p} {...(group !== undefined && { group })} onClose={onClose} />
      )}
      {shared.length > 0 && !mine && (
        <section>
          <h3>{t('person.shared')}</h3>
          <ul class="shared">
            {shared.map((g) => (
              <li key={g.id}>
                <a class="button" href={`/g/${g.id}`} onClick={onClose}>
                  {g.name}
                </a>
              </li>
            ))}
          </ul>
        </section>
      )}
      {!mine && !a.me.value.guest && <Own a={a} p={p} />}
    </div>
  )
}

function Acts({ a, p, group, onClose }: { a: Account; p: Friend; group?: Id; onClose: () => void }) {
  const [menu, setMenu] = useState<{ x: number; y: number } | undefined>(undefined)
  const friend = (method: 'friend.request' | 'friend.accept' | 'friend.remove'): void => void attempt(() => a.call(method, { user: p.uid }).then(() => a.people.loadFriends()))
  const set = (what: { favourite?: boolean; blocked?: boolean }): void => void attempt(() => a.call('friend.set', { user: p.uid, ...what }).then(() => a.people.loadFriends()))
  const write = (): void =>
    void attempt(async () => {
      const dm = await a.call('dm.open', { users: [p.uid] })
      onClose()
      await a.loadGroups()
      go(`/dm/${dm.group}`)
    })
  const g = group !== undefined ? a.group(group) : undefined
  const member = g !== undefined ? a.members(g.id).value?.find((m) => m.uid === p.uid) : undefined
  const items: MenuItem[] = [
    p.favourite
      ? { label: t('person.unfavourite'), icon: 'star-off', do: () => set({ favourite: false }) }
      : { label: t('person.favourite'), icon: 'star', do: () => set({ favourite: true }) },
    ...(p.friend === 'friend' ? [{ label: t('friend.remove'), icon: 'user-x' as const, danger: true, do: () => friend('friend.remove') }] : []),
    p.blocked
      ? { label: t('person.unblock'), icon: 'undo-2', do: () => set({ blocked: false }) }
      : { label: t('person.block'), icon: 'ban', danger: true, do: () => set({ blocked: true }) },
    ...(g !== undefined && member !== undefined ? menuFor(a, g, member).filter((i) => i.icon !== 'message-circle') : []),
  ]
  return (
    <div class="buttons">
      {p.blocked ? (
        <p class="soft">{t('person.blockedHint')}</p>
      ) : (
        <button type="button" class="main" onClick={write}>
          <Icon name="message-circle" size={18} />
          {t('member.write')}
        </button>
      )}
      {!p.blocked && p.friend === 'none' && (
        <button type="button" onClick={() => friend('friend.request')}>
          <Icon name="user-plus" size={18} />
          {t('friend.add')}
        </button>
      )}
      {p.friend === 'outgoing' && (
        <button type="button" onClick={() => friend('friend.remove')}>
          {t('friend.cancel')}
        </button>
      )}
      {p.friend === 'incoming' && (
        <>
          <button type="button" onClick={() => friend('friend.accept')}>
            <Icon name="user-check" size={18} />
            {t('friend.accept')}
          </button>
          <button type="button" onClick={() => friend('friend.remove')}>
            {t('friend.deny')}
          </button>
        </>
      )}
      <button
        type="button"
        class="plain"
        aria-label={t('app.more')}
        aria-haspopup="menu"
        onClick={(e) => setMenu({ x: e.currentTarget.getBoundingClientRect().left, y: e.currentTarget.getBoundingClientRect().bottom })}
      >
        <Icon name="ellipsis" />
      </button>
      {menu !== undefined && <Menu items={items} {...menu} label={t('app.more')} onClose={() => setMenu(undefined)} />}
    </div>
  )
}

// What nobody else sees: another name, a note. Kept when one leaves the field.
function Own({ a, p }: { a: Account; p: Friend }) {
  const [remark, setRemark] = useState(p.remark)
  const [note, setNote] = useState(p.note)
  useEffect(() => setRemark(p.remark), [p.remark])
  useEffect(() => setNote(p.note), [p.note])
  const keep = (): void => {
    if (remark === p.remark && note === p.note) return
    void attempt(() => a.call('friend.set', { user: p.uid, remark: remark.trim(), note }).then(() => a.people.loadFriends()))
  }
  return (
    <form
      class="own"
      onFocusOut={keep}
      onSubmit={(e) => {
        e.preventDefault()
        keep()
      }}
    >
      <Field label={t('person.remark')} hint={t('person.onlyYou')} value={remark} onValue={setRemark} maxLength={64} />
      <Lines label={t('person.note')} value={note} onValue={setNote} maxLength={1000} />
      <button type="submit" class="hidden" tabIndex={-1}>
        {t('app.save')}
      </button>
    </form>
  )
}
