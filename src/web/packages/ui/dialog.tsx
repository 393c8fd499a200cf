import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import { Icon } from './icon'
import { depth, Toasts } from './toast'

// The browser's own modal dialog: it keeps the focus, gives it back, and Escape closes it.
export function Dialog({ title, onClose, closeLabel, wide = false, children }: { title: string; onClose: () => void; closeLabel: string; wide?: boolean; children: ComponentChildren }) {
  const ref = useRef<HTMLDialogElement>(null)
  const id = useId()
  const [level, setLevel] = useState(0)
  useEffect(() => {
    const d = ref.current
    const came = document.activeElement
    d?.showModal()
    setLevel((depth.value += 1))
    return () => {
      depth.value -= 1
      // what was there before gets the focus back, unless something new has taken it meanwhile
      const at = document.activeElement
      const taken = at instanceof HTMLElement && at !== document.body && at !== came && d?.contains(at) !== true
      d?.close()
      if (taken) at.focus()
      else if (came instanceof HTMLElement && came.isConnected) came.focus()
    }
  }, [])
  return (
    <dialog
      ref={ref}
      class={wide ? 'wide' : ''}
      aria-labelledby={id}
      onCancel={(e) => {
        e.preventDefault()
        onClose()
      }}
      onMouseDown={(e) => {
        if (e.target === ref.current) onClose()
      }}
    >
      <div class="sheet">
        <header>
          <h2 id={id}>{title}</h2>
          <button type="button" class="plain" aria-label={closeLabel} onClick={onClose}>
            <Icon name="x" />
          </button>
        </header>
        {children}
      </div>
      {level > 0 && <Toasts level={level} />}
    </dialog>
  )
}
