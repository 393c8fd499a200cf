import { useState } from 'preact/hooks'
import type { Account, Found } from '@kith/client'
import { Dialog, toast } from '@kith/ui'
import { lang, t } from '../../lib/i18n'
import { attempt, kit, node } from '../../lib/session'
import { go } from '../../router'
import { Field } from '../field'
import { FoundList } from '../person'

export function Write({ a, onClose }: { a: Account; onClose: () => void }) {
  const [text, setText] = useState('')
  const [found, setFound] = useState<readonly Found[] | undefined>(undefined)
  const find = (): Promise<boolean> =>
    attempt(async () => {
      setFound((await a.call('user.find', { text: text.trim() })).users.filter((u) => u.uid !== a.me.value.uid))
    })
  const write = (p: Found): Promise<boolean> =>
    attempt(async () => {
      const dm = await a.call('dm.open', { users: [p.uid] })
      onClose()
      await a.loadGroups()
      go(`/dm/${dm.group}`)
    })
  return (
    <Dialog title={t('home.write')} closeLabel={t('app.close')} onClose={onClose}>
      <form
        class="find"
        onSubmit={(e) => {
          e.preventDefault()
          void find()
        }}
      >
        <Field label={t('home.who')} value={text} onValue={setText} required maxLength={320} focus />
        <button type="submit" class="main">
          {t('home.find')}
        </button>
      </form>
      {found?.length === 0 && <p class="soft">{t('home.none')}</p>}
      <FoundList a={a} found={found ?? []} onPick={write} />
    </Dialog>
  )
}

export function Claim({ a, onClose }: { a: Account; onClose: () => void }) {
  const [password, setPassword] = useState('')
  const [email, setEmail] = useState('')
  const claim = (): Promise<boolean> =>
    attempt(async () => {
      const made = await a.call('account.claim', { password })
      // it is confirmed in the settings; a wrong one must not undo the rest
      if (email.trim() !== '') void attempt(() => a.call('account.email', { email: email.trim(), password, lang: lang.value }).then(() => toast(t('email.sent', { email: email.trim() }))))
      a.me.value = { ...a.me.value, guest: false, handle: made.handle }
      kit.value = { handle: made.handle, key: made.recovery }
      onClose()
    })
  return (
    <Dialog title={t('claim.title')} closeLabel={t('app.close')} onClose={onClose}>
      <form
        onSubmit={(e) => {
          e.preventDefault()
          void claim()
        }}
      >
        <p class="soft">{t('claim.hint')}</p>
        <Field label={t('entry.password')} hint={t('entry.passwordHint')} type="password" value={password} onValue={setPassword} required minLength={8} maxLength={128} autocomplete="new-password" focus />
        {node.value?.mail === true && <Field label={t('claim.email')} hint={t('email.hint')} value={email} onValue={setEmail} maxLength={254} autocomplete="email" />}
        <button type="submit" class="main">
          {t('claim.action')}
        </button>
      </form>
    </Dialog>
  )
}

// The recovery key is shown once; it goes when its owner says that it is kept.
export function Kit() {
  const k = kit.value
  if (k === undefined) return null
  const save = (): void => {
    const text = `${t('kit.file', { handle: k.handle, server: node.value?.name ?? location.host })}\n${location.origin}\n\n${k.key}\n`
    const a = document.createElement('a')
    a.href = URL.createObjectURL(new Blob([text], { type: 'text/plain' }))
    a.download = `kith-${k.handle.replace(/[^\p{L}\p{N}_.-]/gu, '-')}.txt`
    a.click()
    setTimeout(() => URL.revokeObjectURL(a.href), 10_000)
  }
  return (
    <Dialog title={t('kit.title')} closeLabel={t('app.close')} onClose={() => (kit.value = undefined)}>
      <p class="soft">{t('kit.why')}</p>
      <pre class="kit" tabIndex={0}>
        {k.key}
      </pre>
      <div class="buttons">
        <button type="button" onClick={() => void navigator.clipboard.writeText(k.key).then(() => toast(t('app.copied')))}>
          {t('app.copy')}
        </button>
        <button type="button" onClick={save}>
          {t('kit.save')}
        </button>
        <button type="button" class="main" onClick={() => (kit.value = undefined)}>
          {t('kit.later')}
        </button>
      </div>
    </Dialog>
  )
}
