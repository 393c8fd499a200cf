import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { Icon, type IconName } from './icon'

export interface MenuItem {
  readonly label: string
  readonly icon: IconName
  readonly danger?: boolean
  readonly do: () => void
}

// A menu at a place of the window, above everything; arrows go through it, Escape and a press beside it close it.
export function Menu({ items, x, y, label, onClose }: { items: readonly MenuItem[]; x: number; y: number; label: string; onClose: () => void }) {
  const ref = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    const m = ref.current
    if (m === null) return
    if (!m.matches(':popover-open')) m.showPopover()
    const box = m.getBoundingClientRect()
    m.style.left = `${Math.max(8, Math.min(x, innerWidth - box.width - 8))}px`
    m.style.top = `${Math.max(8, Math.min(y, innerHeight - box.height - 8))}px`
  }, [x, y])
  useEffect(() => {
    const came = document.activeElement
    ref.current?.querySelector('button')?.focus()
    const out = (e: Event): void => {
      if (!(e.target instanceof Node) || ref.current?.contains(e.target) !== true) onClose()
    }
    document.addEventListener('pointerdown', out, true)
    return () => {
      document.removeEventListener('pointerdown', out, true)
      if (came instanceof HTMLElement && came.isConnected && document.activeElement === document.body) came.focus()
    }
  }, [])
  const move = (by: number): void => {
    const all = [...(ref.current?.querySelectorAll('button') ?? [])]
    const at = all.indexOf(document.activeElement as HTMLButtonElement)
    all[(at + by + all.length) % all.length]?.focus()
  }
  return (
    <div
      ref={ref}
      class="menu"
      role="menu"
      popover="manual"
      aria-label={label}
      onKeyDown={(e) => {
        if (e.key === 'Escape') onClose()
        else if (e.key === 'ArrowDown') move(1)
        else if (e.key === 'ArrowUp') move(-1)
        else return
        e.preventDefault()
        e.stopPropagation()
      }}
    >
      {items.map((i) => (
        <button
          key={i.label}
          type="button"
          role="menuitem"
          class={i.danger === true ? 'danger' : ''}
          onClick={() => {
            onClose()
            i.do()
          }}
        >
          <Icon name={i.icon} size={18} />
          {i.label}
        </button>
      ))}
    </div>
  )
}
