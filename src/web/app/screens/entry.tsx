import { lazy, Suspense } from 'preact/compat'
import { useEffect, useState } from 'preact/hooks'
import type { Preview } from '@kith/client'
import { tame } from '@kith/markdown'
import { Avatar, Icon, Mark } from '@kith/ui'
import { said } from '../lib/error'
import { choose, lang, languages, later, t } from '../lib/i18n'
import { fromAddress, invitation, keepInvitation } from '../lib/invitation'
import { client, http, kit, node, signedIn } from '../lib/session'
import { paint, scheme, schemes } from '../lib/theme'
import { go } from '../router'
import { Field } from './field'

const Forgot = lazy(() => later(() => import('./forgot')))

type Way = 'guest' | 'login' | 'register' | 'forgot'

// The first screen: the invitation first if there is one, then the ways in.
export function Entry() {
  const link = fromAddress() ?? invitation.value
  const open = node.value?.registration === 'open'
  const [way, setWay] = useState<Way>(link !== undefined && open ? 'guest' : 'login')
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [code, setCode] = useState('')
  const [busy, setBusy] = useState(false)
  const [wrong, setWrong] = useState('')
  const [preview, setPreview] = useState<Preview | undefined>(undefined)
  useEffect(() => {
    if (link === undefined) return
    http.call('invite.preview', { link }).then(
      (p) => {
        setPreview(p)
        if (!p.guests) setWay((w) => (w === 'guest' ? 'register' : w))
      },
      () => undefined,
    )
  }, [link])
  const guests = open && preview?.guests !== false

  const enter = async (): Promise<void> => {
    setBusy(true)
    setWrong('')
    try {
      if (way === 'guest') await http.call('account.guest', { name: name.trim(), client })
      else if (way === 'login') await http.call('account.login', { name: name.trim(), password, client })
      else {
        const made = await http.call('account.register', { name: name.trim(), password, client, ...(code !== '' && { invite: code }) })
        kit.value = { handle: made.handle, key: made.recovery }
      }
      keepInvitation(link)
      await signedIn()
      // whoever came by the address of a place goes there
      go(link !== undefined ? '/invite' : location.pathname + location.search, true)
    } catch (e) {
      setWrong(said(e))
      setBusy(false)
    }
  }

  return (
    <main class="entry">
      <div class="card">
        {preview !== undefined && preview.name !== '' ? (
          <InvitedTo p={preview} />
        ) : (
          <>
            <Mark size={52} />
            <h1>{link !== undefined ? t('entry.invited') : (node.value?.name ?? 'Kith')}</h1>
          </>
        )}
        <p class="soft">{link !== undefined ? (way === 'guest' ? t('entry.invitedHint') : node.value?.name) : t('app.tagline')}</p>
        {way === 'forgot' ? (
          <Suspense fallback={null}>
            <Forgot name={name} onBack={() => setWay('login')} />
          </Suspense>
        ) : (
          <>
            <form
              onSubmit={(e) => {
                e.preventDefault()
                void enter()
              }}
            >
              <Field
                key={way}
                label={way === 'guest' ? t('entry.nickname') : t('entry.name')}
                {...(way === 'login' && { hint: t(node.value?.mail === true ? 'entry.nameOrMail' : 'entry.nameHint') })}
                value={name}
                onValue={setName}
                required
                focus
                maxLength={way === 'login' ? 255 : 64}
                autocomplete={way === 'guest' ? 'nickname' : 'username'}
              />
              {way !== 'guest' && (
                <Field
                  label={t('entry.password')}
                  {...(way === 'register' && { hint: t('entry.passwordHint') })}
                  type="password"
                  value={password}
                  onValue={setPassword}
                  required
                  minLength={way === 'register' ? 8 : 1}
                  maxLength={128}
                  autocomplete={way === 'login' ? 'current-password' : 'new-password'}
                />
              )}
              {way === 'register' && node.value?.registration === 'invite' && <Field label={t('entry.code')} hint={t('entry.byInvite')} value={code} onValue={setCode} required />}
              {wrong !== '' && (
                <p class="wrong" role="alert">
                  <Icon name="circle-alert" size={18} />
                  {wrong}
                </p>
              )}
              <button type="submit" class="main" disabled={busy}>
                {way === 'guest' ? t('entry.guest') : way === 'login' ? t('entry.login') : t('entry.register')}
              </button>
            </form>
            <div class="ways">
              {way !== 'login' && (
                <button type="button" class="link" onClick={() => setWay('login')}>
                  {t('entry.haveAccount')}
                </button>
              )}
              {way !== 'register' && node.value?.registration !== 'closed' && (
                <button type="button" class="link" onClick={() => setWay('register')}>
                  {t('entry.noAccount')}
                </button>
              )}
              {way !== 'guest' && guests && (
                <button type="button" class="link" onClick={() => setWay('guest')}>
                  {t('entry.asGuest')}
                </button>
              )}
              {way === 'login' && (
                <button type="button" class="link" onClick={() => setWay('forgot')}>
                  {t('forgot.title')}
                </button>
              )}
            </div>
          </>
        )}
        {way !== 'forgot' && node.value?.registration === 'closed' && <p class="soft small">{t('entry.closed')}</p>}
      </div>
      <Preferences />
    </main>
  )
}

// Where the invitation leads, before one has said anything.
function InvitedTo({ p }: { p: Preview }) {
  const over = p.state === 'expired' || p.state === 'revoked' || p.state === 'used'
  return (
    <header class="invited">
      <Avatar id={p.group} name={p.name} size={64} square />
      <div>
        {p.maker !== '' && <p class="soft">{t('entry.invitedBy', { name: tame(p.maker) })}</p>}
        <h1>{tame(p.name)}</h1>
        {p.members > 0 && (
          <p class="soft small">
            {t('member.count', { n: p.members })} · {t('member.servers', { n: p.nodes })}
          </p>
        )}
      </div>
      {p.description !== '' && <p class="about">{tame(p.description)}</p>}
      {over && (
        <p class="wrong" role="alert">
          <Icon name="circle-alert" size={18} />
          {t(p.state === 'expired' ? 'entry.expired' : p.state === 'used' ? 'entry.used' : 'entry.revoked')}
        </p>
      )}
    </header>
  )
}

export function Preferences() {
  return (
    <footer class="preferences">
      <label>
        <span class="hidden">{t('app.language')}</span>
        <Icon name="languages" size={16} />
        <select value={lang.value} onChange={(e) => choose(languages[e.currentTarget.selectedIndex]?.id ?? 'en')}>
          {languages.map((l) => (
            <option key={l.id} value={l.id} selected={l.id === lang.value}>
              {l.name}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span class="hidden">{t('app.scheme')}</span>
        <Icon name={scheme.value === 'auto' ? 'monitor' : scheme.value === 'light' ? 'sun' : 'moon'} size={16} />
        <select value={scheme.value} onChange={(e) => paint(schemes[e.currentTarget.selectedIndex] ?? 'auto')}>
          {schemes.map((s) => (
            <option key={s} value={s} selected={s === scheme.value}>
              {t(`app.scheme.${s}`)}
            </option>
          ))}
        </select>
      </label>
    </footer>
  )
}
