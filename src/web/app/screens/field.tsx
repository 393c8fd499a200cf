import { useEffect, useId, useRef } from 'preact/hooks'

interface Props {
  label: string
  hint?: string
  value: string
  onValue: (v: string) => void
  type?: 'text' | 'password'
  required?: boolean
  minLength?: number
  maxLength?: number
  autocomplete?: 'username' | 'nickname' | 'current-password' | 'new-password' | 'email' | 'one-time-code' | 'off'
  focus?: boolean
}

export function Field({ label, hint, value, onValue, type = 'text', required = false, minLength, maxLength = 512, autocomplete = 'off', focus = false }: Props) {
  const id = useId()
  const ref = useRef<HTMLInputElement>(null)
  useEffect(() => {
    if (focus) ref.current?.focus()
  }, [])
  const common = {
    ref,
    id,
    value,
    required,
    maxLength,
    autoFocus: focus,
    autoComplete: autocomplete,
    ...(minLength !== undefined && { minLength }),
    ...(hint !== undefined && { 'aria-describedby': `${id}-hint` }),
    onInput: (e: { currentTarget: HTMLInputElement }) => onValue(e.currentTarget.value),
  }
  return (
    <div class="field">
      <label htmlFor={id}>{label}</label>
      {type === 'password' ? <input type="password" {...common} /> : <input type="text" {...common} />}
      {hint !== undefined && <small id={`${id}-hint`}>{hint}</small>}
    </div>
  )
}

// Several lines.
export function Lines({ label, hint, value, onValue, maxLength }: { label: string; hint?: string; value: string; onValue: (v: string) => void; maxLength: number }) {
  const id = useId()
  return (
    <div class="field">
      <label htmlFor={id}>{label}</label>
      <textarea id={id} rows={3} value={value} maxLength={maxLength} {...(hint !== undefined && { 'aria-describedby': `${id}-hint` })} onInput={(e) => onValue(e.currentTarget.value)} />
      {hint !== undefined && <small id={`${id}-hint`}>{hint}</small>}
    </div>
  )
}

export function Choice<T extends string | number>({ label, value, options, onValue }: { label: string; value: T; options: readonly (readonly [T, string])[]; onValue: (v: T) => void }) {
  const id = useId()
  return (
    <div class="field">
      <label htmlFor={id}>{label}</label>
      <select id={id} value={String(value)} onChange={(e) => onValue(options[e.currentTarget.selectedIndex]?.[0] ?? value)}>
        {options.map(([v, text]) => (
          <option key={v} value={String(v)} selected={v === value}>
            {text}
          </option>
        ))}
      </select>
    </div>
  )
}
