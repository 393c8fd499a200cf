import { useState } from 'preact/hooks'
import { Icon } from '@kith/ui'
import { said } from '../lib/error'
import { lang, t } from '../lib/i18n'
import { client, http, node, signedIn } from '../lib/session'
import { go } from '../router'
import { Field } from './field'

// Ways back into an account: a code by mail where the server sends any, else the recovery key; in the end, who runs the server.
export default function Forgot({ name, onBack }: { name: string; onBack: () => void }) {
  const mails = node.value?.mail === true
  const [by, setBy] = useState<'mail' | 'key'>(mails ? 'mail' : 'key')
  const [who, setWho] = useState(name)
  const [sent, setSent] = useState(false)
  const [proof, setProof] = useState('')
  const [password, setPassword] = useState('')
  const [busy, setBusy] = useState(false)
  const [wrong, setWrong] = useState('')
  const change = (to: 'mail' | 'key'): void => {
    setBy(to)
    setProof('')
    setWrong('')
    setSent(false)
  }
  const submit = async (): Promise<void> => {
    setBusy(true)
    setWrong('')
    try {
      if (by === 'mail' && !sent) {
        await http.call('account.forgot', { email: who.trim(), lang: lang.value })
        setSent(true)
      } else {
        if (by === 'mail') await http.call('account.reset', { email: who.trim(), code: proof.trim(), password, client })
        else await http.call('account.recover', { name: who.trim(), recovery: proof, password, client })
        await signedIn()
        go('/', true)
        return
      }
    } catch (e) {
      setWrong(said(e))
    }
    setBusy(false)
  }
  const last = by === 'key' || sent
  return (
    <>
      <form
        onSubmit={(e) => {
          e.preventDefault()
          void submit()
        }}
      >
        <h2>{t('forgot.title')}</h2>
        <p class="soft">{t(by === 'key' ? 'forgot.byKey' : sent ? 'forgot.sent' : 'forgot.byMail')}</p>
        <Field key={`${by} who`} label={by === 'mail' ? t('forgot.email') : t('entry.name')} value={who} onValue={setWho} required focus={!sent} maxLength={254} autocomplete={by === 'mail' ? 'email' : 'username'} />
        {by === 'mail' && sent && <Field label={t('forgot.code')} value={proof} onValue={setProof} required focus maxLength={16} autocomplete="one-time-code" />}
        {by === 'key' && <Field label={t('forgot.key')} hint={t('forgot.keyHint')} value={proof} onValue={setProof} required maxLength={128} />}
        {last && <Field label={t('settings.new')} hint={t('entry.passwordHint')} type="password" value={password} onValue={setPassword} required minLength={8} maxLength={128} autocomplete="new-password" />}
        {wrong !== '' && (
          <p class="wrong" role="alert">
            <Icon name="circle-alert" size={18} />
            {wrong}
          </p>
        )}
        <button type="submit" class="main" disabled={busy}>
          {last ? t('forgot.change') : t('forgot.send')}
        </button>
      </form>
      <div class="ways">
        {mails && (
          <button type="button" class="link" onClick={() => change(by === 'mail' ? 'key' : 'mail')}>
            {by === 'mail' ? t('forgot.haveKey') : t('forgot.haveMail')}
          </button>
        )}
        <button type="button" class="link" onClick={onBack}>
          {t('entry.haveAccount')}
        </button>
      </div>
      <p class="soft small">{t('forgot.ask')}</p>
    </>
  )
}
