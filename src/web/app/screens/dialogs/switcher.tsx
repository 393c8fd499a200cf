import { useMemo, useState } from 'preact/hooks'
import type { Account } from '@kith/client'
import { Dialog, Icon, type IconName } from '@kith/ui'
import { t } from '../../lib/i18n'
import { go } from '../../router'
import { pathOf, titleOf } from '../place'

interface Target {
  readonly to: string
  readonly name: string
  readonly where: string
  readonly icon: IconName
}

// Ctrl+K: a few letters, Enter, there.
export function Switcher({ a, onClose }: { a: Account; onClose: () => void }) {
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const all = useMemo<readonly Target[]>(
    () =>
      a.groups.value.flatMap((g): Target[] =>
        g.kind === 'direct'
          ? [{ to: pathOf(g), name: titleOf(a, g), where: t('shell.home'), icon: 'at-sign' }]
          : g.panels
              .filter((p) => p.kind !== 'folder')
              .map((p) => ({ to: pathOf(g, p.id), name: p.name, where: g.name, icon: p.kind === 'announcement' ? 'megaphone' : 'hash' })),
      ),
    [a.groups.value],
  )
  const low = text.trim().toLowerCase()
  const found = all.filter((x) => low.split(/\s+/).every((w) => `${x.where} ${x.name}`.toLowerCase().includes(w))).slice(0, 9)
  const choose = (x: Target | undefined): void => {
    if (x === undefined) return
    onClose()
    go(x.to)
  }
  return (
    <Dialog title={t('shell.switcher')} closeLabel={t('app.close')} onClose={onClose}>
      <input
        class="switch"
        value={text}
        placeholder={t('shell.switcherHint')}
        aria-label={t('shell.switcherHint')}
        role="combobox"
        aria-expanded="true"
        aria-controls="targets"
        aria-activedescendant={`target-${at}`}
        autoFocus
        onInput={(e) => {
          setText(e.currentTarget.value)
          setAt(0)
        }}
        onKeyDown={(e) => {
          if (e.key === 'ArrowDown') setAt(Math.min(at + 1, found.length - 1))
          else if (e.key === 'ArrowUp') setAt(Math.max(at - 1, 0))
          else if (e.key === 'Enter') choose(found[at])
          else return
          e.preventDefault()
        }}
      />
      <ul id="targets" role="listbox" aria-label={t('shell.switcher')}>
        {found.map((x, i) => (
          <li key={x.to} id={`target-${i}`} role="option" aria-selected={i === at} class="row" onClick={() => choose(x)}>
            <Icon name={x.icon} size={18} />
            <span>{x.name}</span>
            <small class="soft">{x.where}</small>
          </li>
        ))}
      </ul>
      {found.length === 0 && <p class="soft">{t('shell.nothing')}</p>}
    </Dialog>
  )
}
