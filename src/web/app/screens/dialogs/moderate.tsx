import { useState } from 'preact/hooks'
import type { Account } from '@kith/client'
import { Dialog, toast } from '@kith/ui'
import { t } from '../../lib/i18n'
import { attempt } from '../../lib/session'
import { Choice, Field } from '../field'
import type { Measure } from '../open'
import { calledIn } from '../person'

const HOUR = 3_600_000
const times = [
  [HOUR, 'moderate.hour'],
  [24 * HOUR, 'moderate.day'],
  [7 * 24 * HOUR, 'moderate.week'],
  [30 * 24 * HOUR, 'moderate.month'],
  [0, 'moderate.forGood'],
] as const

// Muting, removing and banning: for how long, and why. The reason is told to them and stands in the audit log.
export default function Moderate({ a, act, group, user, handle, onClose }: { a: Account; act: Measure; group: string; user: string; handle: string; onClose: () => void }) {
  const [ms, setMs] = useState<number>(act === 'mute' ? HOUR : 0)
  const [reason, setReason] = useState('')
  const name = calledIn(a, user, handle, group)
  const go = (): Promise<boolean> =>
    attempt(async () => {
      const on = { group, user, ...(reason.trim() !== '' && { reason: reason.trim() }) }
      if (act === 'kick') await a.call('member.kick', on)
      else await a.call(`member.${act}`, { ...on, ...(ms > 0 && { for: ms }) })
      onClose()
      toast(t(`moderate.${act}Done`, { name }))
    })
  return (
    <Dialog title={t(`moderate.${act}`, { name })} closeLabel={t('app.close')} onClose={onClose}>
      <form
        onSubmit={(e) => {
          e.preventDefault()
          void go()
        }}
      >
        <p class="soft">{t(`moderate.${act}Hint`)}</p>
        {act !== 'kick' && <Choice label={t('moderate.for')} value={ms} onValue={setMs} options={times.map(([v, key]) => [v, t(key)] as const)} />}
        <Field label={t('moderate.reason')} value={reason} onValue={setReason} maxLength={300} focus />
        <div class="actions">
          <button type="button" onClick={onClose}>
            {t('app.cancel')}
          </button>
          <button type="submit" class="danger">
            {t(`member.${act}`)}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
