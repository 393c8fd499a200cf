import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { Icon } from '@kith/ui'
import { t } from '../lib/i18n'

interface Tab {
  readonly id: string
  readonly name: string
  readonly to: string
}

// A screen of settings: tabs that are places, and what the one at hand holds.
export function Tabs({ title, back, tabs, at, children }: { title: string; back: string; tabs: readonly Tab[]; at: string; children: ComponentChildren }) {
  // on a phone the row of tabs is wider than the screen
  const row = useRef<HTMLElement>(null)
  useLayoutEffect(() => {
    row.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' })
  }, [at])
  return (
    <main class="settings">
      <header>
        <a class="button plain" href={back} aria-label={t('shell.back')}>
          <Icon name="chevron-left" />
        </a>
        <h1>{title}</h1>
      </header>
      <nav ref={row} aria-label={title}>
        {tabs.map((x) => (
          <a key={x.id} href={x.to} aria-current={x.id === at ? 'page' : undefined}>
            {x.name}
          </a>
        ))}
      </nav>
      <div class="page">{children}</div>
    </main>
  )
}
