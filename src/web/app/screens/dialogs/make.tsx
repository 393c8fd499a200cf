import { useState } from 'preact/hooks'
import type { Account, Join } from '@kith/client'
import { Dialog } from '@kith/ui'
import { t } from '../../lib/i18n'
import { attempt } from '../../lib/session'
import { go } from '../../router'
import { Choice, Field } from '../field'

export function NewGroup({ a, onClose }: { a: Account; onClose: () => void }) {
  const [name, setName] = useState('')
  const [join, setJoin] = useState<Join>('invite')
  const make = (): Promise<boolean> =>
    attempt(async () => {
      const made = await a.call('group.new', { name: name.trim(), join })
      await a.loadGroups()
      onClose()
      go(`/g/${made.id}/${made.panel}`)
    })
  return (
    <Dialog title={t('new.groupTitle')} closeLabel={t('app.close')} onClose={onClose}>
      <form
        onSubmit={(e) => {
          e.preventDefault()
          void make()
        }}
      >
        <Field label={t('new.groupName')} value={name} onValue={setName} required maxLength={100} focus />
        <Choice
          label={t('new.join')}
          value={join}
          onValue={setJoin}
          options={[
            ['invite', t('join.invite')],
            ['open', t('join.open')],
            ['request', t('join.request')],
          ]}
        />
        <button type="submit" class="main">
          {t('new.create')}
        </button>
      </form>
    </Dialog>
  )
}
