import { useEffect, useState } from 'preact/hooks'
import type { Account } from '@kith/client'
import { Dialog, toast } from '@kith/ui'
import { Qr } from '@kith/ui/qr'
import { t } from '../../lib/i18n'
import { keepInvitation } from '../../lib/invitation'
import { attempt } from '../../lib/session'
import { go } from '../../router'
import { Choice, Field } from '../field'

const HOUR = 3_600_000

// An invitation is made when the dialog opens and again when what it is good for changes.
export default function InviteDialog({ a, group, onClose }: { a: Account; group: string; onClose: () => void }) {
  const [expires, setExpires] = useState(7 * 24 * HOUR)
  const [uses, setUses] = useState(0)
  const [link, setLink] = useState('')
  const g = a.group(group)
  useEffect(() => {
    let gone = false
    setLink('')
    void attempt(async () => {
      const made = await a.call('invite.new', { group, ...(expires > 0 && { expires }), ...(uses > 0 && { uses }) })
      if (!gone) setLink(made.link)
    })
    return () => {
      gone = true
    }
  }, [group, expires, uses])
  return (
    <Dialog title={t('invite.title', { group: g?.name ?? '' })} closeLabel={t('app.close')} onClose={onClose}>
      <p class="soft">{g?.join === 'request' ? t('invite.requestHint') : t('invite.hint')}</p>
      <div class="qr-frame">{link !== '' && <Qr text={link} label={t('invite.qr')} />}</div>
      <div class="copy">
        <input readOnly value={link} aria-label={t('shell.invite')} onFocus={(e) => e.currentTarget.select()} />
        <button type="button" class="main" disabled={link === ''} onClick={() => void navigator.clipboard.writeText(link).then(() => toast(t('app.copied')))}>
          {t('app.copy')}
        </button>
      </div>
      <div class="pair">
        <Choice
          label={t('invite.expires')}
          value={expires}
          onValue={setExpires}
          options={[
            [HOUR, t('invite.hour')],
            [24 * HOUR, t('invite.day')],
            [7 * 24 * HOUR, t('invite.week')],
            [0, t('invite.never')],
          ]}
        />
        <Choice
          label={t('invite.uses')}
          value={uses}
          onValue={setUses}
          options={[
            [0, t('invite.anyNumber')],
            [1, t('invite.one')],
            [10, t('invite.ten')],
          ]}
        />
      </div>
    </Dialog>
  )
}

export function PasteInvite({ onClose }: { onClose: () => void }) {
  const [link, setLink] = useState('')
  return (
    <Dialog title={t('shell.pasteInvite')} closeLabel={t('app.close')} onClose={onClose}>
      <form
        onSubmit={(e) => {
          e.preventDefault()
          keepInvitation(link.trim())
          onClose()
          go('/invite')
        }}
      >
        <Field label={t('invite.paste')} value={link} onValue={setLink} required maxLength={2100} focus />
        <button type="submit" class="main">
          {t('invite.open')}
        </button>
      </form>
    </Dialog>
  )
}
