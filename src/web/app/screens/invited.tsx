import { useEffect, useState } from 'preact/hooks'
import { KithError, type Account } from '@kith/client'
import { Icon } from '@kith/ui'
import { t } from '../lib/i18n'
import { fromAddress, invitation, keepInvitation } from '../lib/invitation'
import { go } from '../router'
import { pathOf } from './place'

// Signed in and with an invitation: it is used at once.
export function Invited({ a }: { a: Account }) {
  const [wrong, setWrong] = useState('')
  const [asked, setAsked] = useState(false)
  useEffect(() => {
    const link = fromAddress() ?? invitation.value
    if (link === undefined) {
      go('/', true)
      return
    }
    a.call('group.join', { link }).then(
      async (joined) => {
        keepInvitation(undefined)
        if (joined.state === 'requested') {
          setAsked(true)
          return
        }
        await a.loadGroups()
        const group = a.group(joined.group)
        go(group !== undefined ? pathOf(group, (group.panels.find((p) => p.id === joined.panel) ?? group.panels.find((p) => p.kind !== 'folder'))?.id) : '/home', true)
      },
      (e: unknown) => {
        keepInvitation(undefined)
        setWrong(e instanceof KithError ? e.message : String(e))
      },
    )
  }, [])
  return (
    <main class="entry">
      <div class="card">
        {wrong !== '' ? (
          <p class="wrong" role="alert">
            <Icon name="circle-alert" size={18} />
            {wrong}
          </p>
        ) : (
          <p role="status">{asked ? t('invite.asked') : t('app.loading')}</p>
        )}
        {(wrong !== '' || asked) && <a href="/home">{t('error.home')}</a>}
      </div>
    </main>
  )
}
