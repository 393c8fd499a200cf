import { lang, t } from './i18n'

export function timeOf(ms: number): string {
  return new Intl.DateTimeFormat(lang.value, { hour: '2-digit', minute: '2-digit' }).format(ms)
}

export function whenOf(ms: number): string {
  return new Intl.DateTimeFormat(lang.value, { dateStyle: 'medium', timeStyle: 'short' }).format(ms)
}

export function dayOf(ms: number): string {
  const days = Math.round((midnight(Date.now()) - midnight(ms)) / 86_400_000)
  if (days === 0) return t('chat.today')
  if (days === 1) return t('chat.yesterday')
  return new Intl.DateTimeFormat(lang.value, { weekday: 'long', day: 'numeric', month: 'long', ...(days > 300 && { year: 'numeric' }) }).format(ms)
}

export function midnight(ms: number): number {
  return new Date(ms).setHours(0, 0, 0, 0)
}

// A handle's name: "ada" of "ada#0001" or "ada#0001@node".
export function nameOf(handle: string): string {
  const cut = handle.lastIndexOf('#')
  return cut > 0 ? handle.slice(0, cut) : handle
}

// What stands behind the name: "#0001" or "#0001@node".
export function tagOf(handle: string): string {
  return handle.slice(nameOf(handle).length)
}
