import type { Account } from '@kith/client'
import { Icon, toast } from '@kith/ui'
import { t } from '../lib/i18n'
import { open } from './open'
import { calledIn, Face } from './person'

// What one sees without a panel: who one is, and what to do next.
export function Home({ a }: { a: Account }) {
  const me = a.me.value
  return (
    <main class="start">
      <section class="card">
        <Face a={a} uid={me.uid} handle={me.handle} size={64} />
        <div>
          <h1>{calledIn(a, me.uid, me.handle)}</h1>
          <p class="soft">{t('home.handleHint')}</p>
          <p class="handle">
            {me.handle}
            <button type="button" class="plain" aria-label={t('app.copy')} onClick={() => void navigator.clipboard.writeText(me.handle).then(() => toast(t('app.copied')))}>
              <Icon name="copy" size={18} />
            </button>
            <button type="button" class="plain" aria-label={t('handle.show')} title={t('handle.show')} onClick={() => (open.value = { is: 'handle' })}>
              <Icon name="qr-code" size={18} />
            </button>
          </p>
        </div>
      </section>
      {a.loaded.value && a.places.value.length === 0 && (
        <section class="card next">
          <div>
            <h2>{t('shell.noGroups')}</h2>
            <p class="soft">{t('shell.noGroupsHint')}</p>
          </div>
        </section>
      )}
      <div class="buttons">
        {!me.guest && (
          <button type="button" class="main" onClick={() => (open.value = { is: 'new-group' })}>
            <Icon name="plus" size={18} />
            {t('shell.newGroup')}
          </button>
        )}
        <button type="button" onClick={() => (open.value = { is: 'paste-invite' })}>
          <Icon name="link" size={18} />
          {t('shell.pasteInvite')}
        </button>
        {!me.guest && (
          <button type="button" onClick={() => (open.value = { is: 'write' })}>
            <Icon name="message-circle" size={18} />
            {t('home.write')}
          </button>
        )}
      </div>
    </main>
  )
}
