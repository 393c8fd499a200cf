import { useEffect, useState } from 'preact/hooks'
import type { Account } from '@kith/client'

const REST_MS = 10 * 60_000

export function useNow(everyMs: number): number {
  const [now, set] = useState(Date.now())
  useEffect(() => {
    const i = setInterval(() => set(Date.now()), everyMs)
    return () => clearInterval(i)
  }, [everyMs])
  return now
}

export function useWide(px: number): boolean {
  const query = `(min-width: ${px}px)`
  const [wide, set] = useState(() => matchMedia(query).matches)
  useEffect(() => {
    const m = matchMedia(query)
    const on = (): void => set(m.matches)
    m.addEventListener('change', on)
    return () => m.removeEventListener('change', on)
  }, [query])
  return wide
}

// Nobody has touched this device for a while: others see that.
export function useResting(a: Account): void {
  useEffect(() => {
    let resting = false
    let last = Date.now()
    const set = (on: boolean): void => {
      if (resting !== on) a.rest((resting = on))
    }
    const touched = (): void => {
      last = Date.now()
      set(false)
    }
    const events = ['pointerdown', 'pointermove', 'keydown', 'focus'] as const
    for (const e of events) addEventListener(e, touched, { passive: true })
    const i = setInterval(() => set(Date.now() - last > REST_MS), 30_000)
    return () => {
      clearInterval(i)
      for (const e of events) removeEventListener(e, touched)
    }
  }, [a])
}

// A value that is asked for when the screen opens; `again` asks anew.
export function useAsked<T>(ask: () => Promise<T>, deps: readonly unknown[]): { value: T | undefined; failed: boolean; again: () => void } {
  const [value, setValue] = useState<T | undefined>(undefined)
  const [failed, setFailed] = useState(false)
  const [n, setN] = useState(0)
  useEffect(() => {
    let gone = false
    setFailed(false)
    ask().then(
      (v) => !gone && setValue(v),
      () => !gone && setFailed(true),
    )
    return () => {
      gone = true
    }
  }, [...deps, n])
  return { value, failed, again: () => setN(n + 1) }
}
