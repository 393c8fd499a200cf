import type { Account, Group, Panel } from '@kith/client'
import { t } from '../lib/i18n'
import { Chat } from './chat/chat'
import { beside, BESIDE_MAX, BESIDE_MIN, besideWidth, pinRight, widen } from './open'
import { here } from './place'

// The panel that is pinned, as long as it is there and not shown in the middle.
export function pinnedNow(a: Account): { group: Group; panel: Panel } | undefined {
  const at = beside.value
  const group = at !== undefined ? a.group(at.group) : undefined
  const panel = group !== undefined ? a.panelsShown(group.id)?.find((p) => p.id === at?.panel) : undefined
  return group !== undefined && panel !== undefined && here.value?.panelId !== panel.id ? { group, panel } : undefined
}

export function BesidePane({ a, group, panel }: { a: Account; group: Group; panel: Panel }) {
  const onDown = (e: PointerEvent): void => {
    const grip = e.currentTarget as HTMLElement
    const from = e.clientX
    const was = besideWidth.value
    const move = (m: PointerEvent): void => widen(was + from - m.clientX)
    const end = (): void => {
      grip.removeEventListener('pointermove', move)
      grip.removeEventListener('pointerup', end)
      grip.removeEventListener('pointercancel', end)
    }
    grip.setPointerCapture(e.pointerId)
    grip.addEventListener('pointermove', move)
    grip.addEventListener('pointerup', end)
    grip.addEventListener('pointercancel', end)
    e.preventDefault()
  }
  const onKey = (e: KeyboardEvent): void => {
    const by = e.key === 'ArrowLeft' ? 20 : e.key === 'ArrowRight' ? -20 : 0
    if (by === 0) return
    widen(besideWidth.value + by)
    e.preventDefault()
  }
  return (
    <aside class="beside" aria-label={t('panel.beside', { name: panel.name })}>
      <div
        class="grip"
        role="separator"
        tabIndex={0}
        aria-orientation="vertical"
        aria-label={t('panel.width')}
        aria-valuenow={besideWidth.value}
        aria-valuemin={BESIDE_MIN}
        aria-valuemax={BESIDE_MAX}
        onPointerDown={onDown}
        onKeyDown={onKey}
      />
      <Chat a={a} group={group} panel={panel} onUnpin={() => pinRight(undefined)} />
    </aside>
  )
}
