import { useEffect, useState } from 'preact/hooks'
import type { Account } from '@kith/client'
import { Dialog, toast } from '@kith/ui'
import { Qr } from '@kith/ui/qr'
import { useAsked } from '../../lib/hooks'
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
  const [guests, setGuests] = useState(true)
  const [panel, setPanel] = useState('')
  const [role, setRole] = useState('')
  const [link, setLink] = useState('')
  const g = a.group(group)
  const places = (a.panels(group).value ?? []).filter((p) => p.kind !== 'folder' && !p.private)
  const roles = (useAsked(() => a.call('role.list', { group }), [group]).value?.roles ?? []).filter((r) => r.level > 0 && (g?.owner === true || a.may(group, 'role.manage')))
  useEffect(() => {
    let gone = false
    setLink('')
    void attempt(async () => {
      const made = await a.call('invite.new', {
        group,
        guests,
        ...(expires > 0 && { expires }),
        ...(uses > 0 && { uses }),
        ...(panel !== '' && { panel }),
        ...(role !== '' && { role }),
      })
      if (!gone) setLink(made.link)
    })
    return () => {
      gone = true
    }
  }, [group, expires, uses, guests, panel, role])
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
        {g?.join !== 'request' && places.length > 1 && (
          <Choice label={t('invite.panel')} value={panel} onValue={setPanel} options={[['', t('invite.anyPanel')], ...places.map((p) => [p.id, p.name] as const)]} />
        )}
        {g?.join !== 'request' && roles.length > 0 && (
          <Choice label={t('invite.role')} value={role} onValue={setRole} options={[['', t('invite.noRole')], ...roles.map((r) => [r.id, r.name] as const)]} />
        )}
      </div>
      {g?.join !== 'request' && (
        <label class="check">
          <input type="checkbox" checked={guests} onChange={(e) => setGuests(e.currentTarget.checked)} />
          {t('invite.guests')}
        </label>
      )}
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
