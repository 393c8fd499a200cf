import { render } from 'preact'
import { lazy, Suspense } from 'preact/compat'
import { useEffect } from 'preact/hooks'
import { Mark, Toasts } from '@kith/ui'
import { later, preferred, speak, t } from './lib/i18n'
import { account, begin, boot } from './lib/session'
import { go, onLink, route } from './router'
import { Entry } from './screens/entry'

declare global {
  interface Window {
    readonly trustedTypes?: { createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): unknown } }
  }
}

const Shell = lazy(() => later(() => import('./screens/shell')).then((m) => ({ default: m.Shell })))
const Invited = lazy(() => later(() => import('./screens/invited')).then((m) => ({ default: m.Invited })))

function App() {
  return (
    <>
      <Suspense fallback={<Splash />}>
        <Screen />
      </Suspense>
      <Toasts />
    </>
  )
}

function Screen() {
  const a = account.value
  const r = route.value
  if (boot.value === 'loading') return <Splash />
  if (boot.value === 'unreachable')
    return (
      <main class="entry">
        <div class="card">
          <Mark size={52} />
          <p>{t('app.unreachable')}</p>
          <button type="button" class="main" onClick={() => void begin()}>
            {t('app.retry')}
          </button>
        </div>
      </main>
    )
  if (a === undefined) return <Entry />
  if (a.phase.value.is === 'signed-out') return <SignedOut />
  if (r.at === 'invite') return <Invited a={a} />
  if (r.at === 'root') return <Start />
  return <Shell a={a} />
}

// The panel that was open last, else the conversations.
function Start() {
  useEffect(() => go(localStorage.getItem('kith.last') ?? '/home', true), [])
  return <Splash />
}

function SignedOut() {
  useEffect(() => {
    account.value?.end()
    account.value = undefined
  }, [])
  return <Splash />
}

function Splash() {
  return (
    <main class="splash" aria-busy="true">
      <Mark size={56} />
    </main>
  )
}

document.addEventListener('click', onLink)
route.subscribe((r) => {
  if (r.at === 'group' || r.at === 'direct') localStorage.setItem('kith.last', location.pathname)
})
void speak(preferred()).then(() => {
  const root = document.getElementById('app')
  if (root !== null) render(<App />, root)
  return begin()
})
if ('serviceWorker' in navigator) {
  const policy = window.trustedTypes?.createPolicy('kith-url', { createScriptURL: (u) => (u === '/sw.js' ? u : '') })
  void navigator.serviceWorker.register((policy?.createScriptURL('/sw.js') ?? '/sw.js') as string).catch(() => undefined)
}
