import { useState } from 'preact/hooks'
import type { Account } from '@kith/client'
import { toast } from '@kith/ui'
import { nameOf, whenOf } from '../lib/format'
import { useAsked } from '../lib/hooks'
import { choose, lang, languages, t } from '../lib/i18n'
import { keyList } from '../lib/keys'
import { attempt, node, signOut } from '../lib/session'
import { paint, scheme, schemes } from '../lib/theme'
import { go } from '../router'
import { Choice, Field, Lines } from './field'
import { open } from './open'
import { Face } from './person'
import { Picture } from './picture'
import { Tabs } from './tabs'

const tabs = ['profile', 'account', 'appearance', 'sessions', 'keys', 'about'] as const

export default function Settings({ a, tab }: { a: Account; tab: string }) {
  const at = tabs.find((x) => x === tab) ?? 'profile'
  return (
    <Tabs title={t('settings.title')} back="/home" tabs={tabs.map((id) => ({ id, name: t(`settings.${id}`), to: `/settings/${id}` }))} at={at}>
      {at === 'profile' && <Profile a={a} />}
      {at === 'account' && <AccountTab a={a} />}
      {at === 'appearance' && <Appearance />}
      {at === 'sessions' && <Sessions a={a} />}
      {at === 'keys' && <Keys />}
      {at === 'about' && <About />}
    </Tabs>
  )
}

// Who one is for others; what is saved is seen in all groups and by friends.
function Profile({ a }: { a: Account }) {
  const me = a.me.value
  const [nick, setNick] = useState(me.nick)
  const [pronouns, setPronouns] = useState(me.pronouns)
  const [status, setStatus] = useState(me.status)
  const [bio, setBio] = useState(me.bio)
  const same = nick === me.nick && pronouns === me.pronouns && status === me.status && bio === me.bio
  const save = (): Promise<boolean> => attempt(() => a.setProfile({ nick: nick.trim(), pronouns: pronouns.trim(), status: status.trim(), bio: bio.trim() }).then(() => toast(t('app.saved'))))
  return (
    <section>
      <div class="person">
        <div class="head">
          <Face a={a} uid={me.uid} handle={me.handle} size={96} presence />
          <div>
            <h3>{nick.trim() || nameOf(me.handle)}</h3>
            <p class="soft">{[me.handle, pronouns.trim()].filter(Boolean).join(' · ')}</p>
            <Picture a={a} kind="avatar" has={me.avatar !== null} onPick={(avatar) => a.setProfile({ avatar })}>
              {null}
            </Picture>
          </div>
        </div>
      </div>
      <form
        onSubmit={(e) => {
          e.preventDefault()
          void save()
        }}
      >
        <Field label={t('profile.nick')} hint={t('profile.nickHint')} value={nick} onValue={setNick} maxLength={64} autocomplete="nickname" />
        <Field label={t('profile.pronouns')} value={pronouns} onValue={setPronouns} maxLength={30} />
        <Field label={t('profile.status')} hint={t('profile.statusHint')} value={status} onValue={setStatus} maxLength={80} />
        <Lines label={t('profile.bio')} value={bio} onValue={setBio} maxLength={600} />
        <button type="submit" class="main" disabled={same}>
          {t('app.save')}
        </button>
      </form>
    </section>
  )
}

// Where codes go when a password is forgotten. It holds once the code that was sent there has come back.
function Email({ a }: { a: Account }) {
  const [email, setEmail] = useState(a.me.value.email)
  const [password, setPassword] = useState('')
  const [code, setCode] = useState('')
  const [sent, setSent] = useState(false)
  const now = a.me.value.email
  const send = (): Promise<boolean> =>
    attempt(async () => {
      await a.call('account.email', { email: email.trim(), password, lang: lang.value })
      setPassword('')
      setSent(email.trim() !== '')
      if (email.trim() === '') {
        a.me.value = { ...a.me.value, email: '' }
        toast(t('email.removed'))
      }
    })
  const confirm = (): Promise<boolean> =>
    attempt(async () => {
      await a.call('account.verify', { code: code.trim() })
      a.me.value = { ...a.me.value, email: email.trim() }
      setSent(false)
      setCode('')
      toast(t('email.confirmed'))
    })
  return (
    <section>
      <h3>{t('email.title')}</h3>
      <p class="soft">{now !== '' ? t('email.is', { email: now }) : t('email.hint')}</p>
      <form
        onSubmit={(e) => {
          e.preventDefault()
          void (sent ? confirm() : send())
        }}
      >
        {sent ? (
          <>
            <p role="status">{t('email.sent', { email: email.trim() })}</p>
            <Field label={t('forgot.code')} value={code} onValue={setCode} required focus maxLength={16} autocomplete="one-time-code" />
          </>
        ) : (
          <>
            <Field label={t('forgot.email')} value={email} onValue={setEmail} maxLength={254} autocomplete="email" {...(now !== '' && { hint: t('email.empty') })} />
            <Field label={t('settings.old')} type="password" value={password} onValue={setPassword} required autocomplete="current-password" />
          </>
        )}
        <div class="buttons">
          <button type="submit" class="main" disabled={!sent && email.trim() === now}>
            {sent ? t('email.confirm') : t('forgot.send')}
          </button>
          {sent && (
            <button type="button" onClick={() => setSent(false)}>
              {t('app.cancel')}
            </button>
          )}
        </div>
      </form>
    </section>
  )
}

function AccountTab({ a }: { a: Account }) {
  const [old, setOld] = useState('')
  const [fresh, setFresh] = useState('')
  const change = (): Promise<boolean> =>
    attempt(async () => {
      await a.call('account.passwd', { old, password: fresh })
      setOld('')
      setFresh('')
      toast(t('settings.passwdDone'))
    })
  return (
    <>
      <section>
        <h3>{t('home.handle')}</h3>
        <p class="handle">{a.me.value.handle}</p>
        <p class="soft">{t('home.handleHint')}</p>
        <div class="buttons">
          <button type="button" onClick={() => void navigator.clipboard.writeText(a.me.value.handle).then(() => toast(t('app.copied')))}>
            {t('app.copy')}
          </button>
          <button type="button" onClick={() => (open.value = { is: 'handle' })}>
            {t('handle.show')}
          </button>
          <button type="button" class="danger" onClick={() => void signOut().then(() => go('/', true))}>
            {t('settings.signOut')}
          </button>
        </div>
      </section>
      {a.me.value.guest ? (
        <section>
          <h3>{t('claim.title')}</h3>
          <p class="soft">{t('claim.hint')}</p>
          <button type="button" class="main" onClick={() => (open.value = { is: 'claim' })}>
            {t('claim.action')}
          </button>
        </section>
      ) : (
        <>
        {node.value?.mail === true && <Email a={a} />}
        <section>
          <h3>{t('settings.passwd')}</h3>
          <form
            onSubmit={(e) => {
              e.preventDefault()
              void change()
            }}
          >
            <Field label={t('settings.old')} type="password" value={old} onValue={setOld} required autocomplete="current-password" />
            <Field label={t('settings.new')} hint={t('entry.passwordHint')} type="password" value={fresh} onValue={setFresh} required minLength={8} maxLength={128} autocomplete="new-password" />
            <button type="submit" class="main">
              {t('app.save')}
            </button>
          </form>
        </section>
        </>
      )}
    </>
  )
}

function Appearance() {
  return (
    <section>
      <Choice label={t('app.language')} value={lang.value} onValue={choose} options={languages.map((l) => [l.id, l.name] as const)} />
      <Choice label={t('app.scheme')} value={scheme.value} onValue={paint} options={schemes.map((s) => [s, t(`app.scheme.${s}`)] as const)} />
    </section>
  )
}

function Sessions({ a }: { a: Account }) {
  const { value, again } = useAsked(() => a.call('session.list', {}), [a])
  const end = (id?: string): Promise<boolean> => attempt(() => a.call('session.revoke', id !== undefined ? { id } : {}).then(again))
  return (
    <section>
      <ul class="table">
        {(value?.sessions ?? []).map((s) => (
          <li key={s.id}>
            <span>
              {s.client || '—'} {s.current && <em>({t('settings.thisDevice')})</em>}
              <small>
                {t('settings.seen', { when: whenOf(s.seen) })}
                {s.scopes !== null && ` · ${t('settings.token', { scopes: s.scopes.join(', ') })}`}
              </small>
            </span>
            {!s.current && (
              <button type="button" onClick={() => void end(s.id)}>
                {t('settings.end')}
              </button>
            )}
          </li>
        ))}
      </ul>
      {(value?.sessions.length ?? 0) > 1 && (
        <button type="button" class="danger" onClick={() => void end()}>
          {t('settings.endOthers')}
        </button>
      )}
    </section>
  )
}

export function Keys() {
  return (
    <dl class="keys">
      {keyList.map(([keys, does]) => (
        <div key={does}>
          <dt>
            <kbd>{keys}</kbd>
          </dt>
          <dd>{t(does)}</dd>
        </div>
      ))}
    </dl>
  )
}

function About() {
  return (
    <section>
      <h3>{t('settings.node')}</h3>
      <p>
        {node.value?.name}
        <small class="id">{node.value?.node}</small>
      </p>
      <p>{t('settings.version', { version: node.value?.version ?? '' })}</p>
      <p>
        <a href="/api/docs" target="_blank" rel="noopener">
          {t('settings.docs')}
        </a>
      </p>
    </section>
  )
}
