import { useEffect, useState } from 'preact/hooks'
import type { Account, Group, Panel } from '@kith/client'
import { Icon } from '@kith/ui'
import { t } from '../lib/i18n'
import { fitFor, looked, type Fit } from '../lib/page'

// A page from elsewhere in a frame that knows nothing of us; where that cannot be, the way to it in a tab of its own.
export function WebPanel({ a, group, panel }: { a: Account; group: Group; panel: Panel }) {
  const [fit, setFit] = useState<Fit | undefined>(undefined)
  useEffect(() => {
    let gone = false
    setFit(undefined)
    const f = fitFor(panel.url)
    if (f !== 'ok') setFit(f)
    else
      void looked(a, panel.url).then((outcome) => {
        if (!gone) setFit(outcome)
      })
    return () => void (gone = true)
  }, [a, panel.url])
  return (
    <main class="chat web" aria-label={panel.name}>
      <header>
        <a class="button plain back" href={`/g/${group.id}?list`} aria-label={t('shell.back')}>
          <Icon name="chevron-left" />
        </a>
        <Icon name="globe" />
        <h1>{panel.name}</h1>
        {panel.topic !== '' && <p class="topic">{panel.topic}</p>}
        <span class="grow" />
        {panel.url !== '' && (
          <a class="button" href={panel.url} target="_blank" rel="noopener noreferrer">
            <Icon name="external-link" size={18} />
            {t('web.tab')}
          </a>
        )}
      </header>
      {fit === undefined ? (
        <p class="bar thin" role="status" aria-label={t('web.looking')} />
      ) : fit === 'ok' ? (
        <iframe key={panel.url} src={panel.url} title={panel.name} sandbox="allow-scripts allow-forms allow-same-origin allow-popups allow-popups-to-escape-sandbox" referrerpolicy="no-referrer" allow="" />
      ) : (
        <div class="card next">
          <Icon name="globe" size={32} />
          <div>
            <h2>{t(`web.${fit}`)}</h2>
            <p class="soft">{t(`web.${fit}Hint`, { host: hostOf(panel.url) })}</p>
          </div>
        </div>
      )}
    </main>
  )
}

function hostOf(url: string): string {
  try {
    return new URL(url).host
  } catch {
    return ''
  }
}
