import { signal } from '@preact/signals'

interface Toast {
  readonly id: number
  readonly text: string
  readonly bad: boolean
}

const shown = signal<readonly Toast[]>([])
let next = 1

// A sentence that goes by itself; screen readers say it.
export function toast(text: string, bad = false): void {
  const t = { id: next++, text, bad }
  shown.value = [...shown.value.slice(-2), t]
  setTimeout(() => (shown.value = shown.value.filter((x) => x !== t)), bad ? 7000 : 3500)
}

// How many dialogs lie over the page: what is outside the topmost one is neither seen nor said.
export const depth = signal(0)

export function Toasts({ level = 0 }: { level?: number }) {
  if (level !== depth.value) return null
  return (
    <div class="toasts" role="status">
      {shown.value.map((t) => (
        <p key={t.id} class={t.bad ? 'bad' : ''}>
          {t.text}
        </p>
      ))}
    </div>
  )
}
