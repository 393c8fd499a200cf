import { useEffect, useState } from 'preact/hooks'
import type { Account, Group, Join } from '@kith/client'
import { tame } from '@kith/markdown'
import { Avatar, Crest, toast } from '@kith/ui'
import { nameOf, whenOf } from '../lib/format'
import { useAsked } from '../lib/hooks'
import { t } from '../lib/i18n'
import { attempt } from '../lib/session'
import { Audit } from './audit'
import { Choice, Field, Lines } from './field'
import { Members } from './members'
import { open } from './open'
import { pictureOf } from './person'
import { Picture } from './picture'
import { Roles } from './roles'
import { Bones } from './sidebar'
import { Tabs } from './tabs'

const tabs = ['overview', 'roles', 'members', 'invites', 'requests', 'servers', 'audit'] as const

export default function GroupSettings({ a, group, tab }: { a: Account; group: Group; tab: string }) {
  const at = tabs.find((x) => x === tab) ?? 'overview'
  return (
    <Tabs title={group.name} back={`/g/${group.id}`} tabs={tabs.map((id) => ({ id, name: t(`group.${id}`), to: `/g/${group.id}/settings/${id}` }))} at={at}>
      {at === 'overview' && <Overview a={a} group={group} />}
      {at === 'roles' && <Roles a={a} group={group} />}
      {at === 'members' && <Members a={a} group={group} />}
      {at === 'invites' && <Invites a={a} group={group} />}
      {at === 'requests' && <Requests a={a} group={group} />}
      {at === 'servers' && <Servers a={a} group={group} />}
      {at === 'audit' && <Audit a={a} group={group} />}
    </Tabs>
  )
}

const languages = ['', 'en', 'zh', 'es', 'fr', 'de', 'pt', 'ja', 'ko', 'ru', 'ar', 'hi'] as const

function Overview({ a, group }: { a: Account; group: Group }) {
  const [name, setName] = useState(group.name)
  const [description, setDescription] = useState(group.description)
  const [language, setLanguage] = useState(group.language)
  const [join, setJoin] = useState<Join>(group.join)
  const known: readonly string[] = languages
  const names = new Intl.DisplayNames([document.documentElement.lang], { type: 'language' })
  const save = (): Promise<boolean> =>
    attempt(async () => {
      const changes: (readonly [key: string, value: string, was: string])[] = [
        ['name', name.trim(), group.name],
        ['description', description, group.description],
        ['language', language, group.language],
        ['join', join, group.join],
      ]
      for (const [key, value, was] of changes) if (value !== was) await a.call('group.set', { group: group.id, key, value })
      toast(t('app.saved'))
    })
  const may = a.may(group.id, 'group.profile')
  const picture = (key: 'avatar' | 'banner') => (value: string) => a.call('group.set', { group: group.id, key, value })
  return (
    <section>
      <div class="group-face">
        <Picture a={a} kind="banner" may={may} has={pictureOf(group.banner) !== undefined} onPick={picture('banner')}>
          {pictureOf(group.banner) !== undefined ? <img src={pictureOf(group.banner, group.id)?.src} alt="" /> : <div class="no-banner" />}
        </Picture>
        <Picture a={a} kind="avatar" may={may} has={pictureOf(group.avatar) !== undefined} onPick={picture('avatar')}>
          <Avatar id={group.id} name={group.name} size={64} square {...pictureOf(group.avatar, group.id)} />
        </Picture>
      </div>
      <form
        onSubmit={(e) => {
          e.preventDefault()
          void save()
        }}
      >
        <Field label={t('group.name')} value={name} onValue={setName} required maxLength={100} />
        <Lines label={t('group.description')} hint={t('group.descriptionHint')} value={description} onValue={setDescription} maxLength={500} />
        <div class="pair">
          <Choice label={t('new.join')} value={join} onValue={setJoin} options={(['invite', 'open', 'request'] as const).map((j) => [j, t(`join.${j}`)] as const)} />
          <Choice
            label={t('group.language')}
            value={language}
            onValue={setLanguage}
            options={[...known, ...(known.includes(group.language) ? [] : [group.language])].map((l) => [l, l === '' ? t('group.anyLanguage') : tongue(names, l)] as const)}
          />
        </div>
        <button type="submit" class="main">
          {t('app.save')}
        </button>
      </form>
    </section>
  )
}

// What others have written there may be no language at all.
function tongue(names: Intl.DisplayNames, tag: string): string {
  try {
    return names.of(tag) ?? tag
  } catch {
    return tag
  }
}

// Where the group lives. Any of these may go, and the group goes on.
function Servers({ a, group }: { a: Account; group: Group }) {
  const { value, again } = useAsked(() => a.call('group.nodes', { group: group.id }), [group.id, group.nodes])
  useEffect(() => {
    const i = setInterval(again, 5000)
    return () => clearInterval(i)
  })
  return (
    <section>
      <p class="soft">{t('group.serversHint')}</p>
      {value === undefined && <Bones />}
      <ul class="table">
        {(value?.nodes ?? []).map((n) => (
          <li key={n.node}>
            <Crest node={n.node} size={28} />
            <span>
              {n.name}
              <small>
                {t('member.count', { n: n.people })} · <code title={n.node}>{n.node.slice(0, 8)}</code>
              </small>
            </span>
            <small class={n.self || n.linked ? 'state good' : 'state'}>
              {n.banned ? t('group.serverBanned') : n.self ? t('group.serverSelf') : n.linked ? t('group.serverLinked', { ms: n.rtt }) : t('group.serverAway')}
            </small>
            {!n.self && a.may(group.id, 'federation.manage') && (
              <button type="button" class={n.banned ? '' : 'danger'} onClick={() => void attempt(() => a.call(n.banned ? 'node.unban' : 'node.ban', { group: group.id, node: n.node }).then(again))}>
                {n.banned ? t('group.serverUnban') : t('group.serverBan')}
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  )
}

function Invites({ a, group }: { a: Account; group: Group }) {
  const { value, again } = useAsked(() => a.call('invite.list', { group: group.id }), [group.id, open.value])
  return (
    <section>
      <button type="button" class="main" onClick={() => (open.value = { is: 'invite', group: group.id })}>
        {t('shell.invite')}
      </button>
      {value === undefined && <Bones />}
      {value?.invites.length === 0 && <p class="soft">{t('group.noInvites')}</p>}
      <ul class="table">
        {(value?.invites ?? []).map((i) => (
          <li key={i.id}>
            <span>
              {nameOf(i.maker)}
              <small>
                {[
                  whenOf(i.made),
                  i.uses > 0 ? t('group.usedOf', { used: i.used, uses: i.uses }) : t('group.used', { used: i.used }),
                  i.expires > 0 && t('group.expires', { when: whenOf(i.expires) }),
                ]
                  .filter(Boolean)
                  .join(' · ')}
              </small>
            </span>
            {i.revoked ? (
              <em>{t('group.revoked')}</em>
            ) : (
              <button type="button" class="danger" onClick={() => void attempt(() => a.call('invite.revoke', { group: group.id, id: i.id }).then(again))}>
                {t('group.revoke')}
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  )
}

function Requests({ a, group }: { a: Account; group: Group }) {
  const { value, again } = useAsked(() => a.call('request.list', { group: group.id }), [group.id])
  return (
    <section>
      {group.join !== 'request' && <p class="soft">{t('group.requestsOff')}</p>}
      {value === undefined && <Bones />}
      {group.join === 'request' && value?.requests.length === 0 && <p class="soft">{t('group.noRequests')}</p>}
      <ul class="table">
        {(value?.requests ?? []).map((r) => (
          <li key={r.uid}>
            <Avatar id={r.uid} name={nameOf(r.handle)} size={32} />
            <span>
              {r.handle}
              <small>{whenOf(r.asked)}</small>
              {r.answers.some((x) => x !== '') && (
                <dl class="answers">
                  {r.answers.map((x, i) => (
                    <div key={i}>
                      <dt>{tame(value?.questions[i] ?? '')}</dt>
                      <dd>{x === '' ? '—' : tame(x)}</dd>
                    </div>
                  ))}
                </dl>
              )}
            </span>
            <button type="button" class="main" onClick={() => void attempt(() => a.call('request.admit', { group: group.id, user: r.uid }).then(again))}>
              {t('group.admit')}
            </button>
            <button type="button" onClick={() => void attempt(() => a.call('request.refuse', { group: group.id, user: r.uid }).then(again))}>
              {t('group.refuse')}
            </button>
          </li>
        ))}
      </ul>
      {group.join === 'request' && value !== undefined && a.may(group.id, 'group.config') && <QuestionsForm a={a} group={group} questions={value.questions} again={again} />}
    </section>
  )
}

// What is asked of whoever asks to be let in. Only those who may let them in read the answers.
function QuestionsForm({ a, group, questions, again }: { a: Account; group: Group; questions: readonly string[]; again: () => void }) {
  const [text, setText] = useState(questions.join('\n'))
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault()
        void attempt(async () => {
          await a.call('group.set', { group: group.id, key: 'questions', value: text.trim() })
          toast(t('app.saved'))
          again()
        })
      }}
    >
      <Lines label={t('group.questions')} hint={t('group.questionsHint')} value={text} onValue={setText} maxLength={1000} />
      <button type="submit" class="main">
        {t('app.save')}
      </button>
    </form>
  )
}
