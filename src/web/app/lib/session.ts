import { signal } from '@preact/signals'
import { said } from './error'
import { Account, Http, KithError, type NodeInfo } from '@kith/client'
import { browserEnv } from '@kith/client/browser/env'
import { IdbStore } from '@kith/client/browser/idb'
import { toast } from '@kith/ui'
import { t } from './i18n'

// Who is signed in, if anybody; the screens begin here.

export const http = new Http(browserEnv, location.origin)
export const node = signal<NodeInfo | undefined>(undefined)
export const account = signal<Account | undefined>(undefined)
export const boot = signal<'loading' | 'ready' | 'unreachable'>('loading')
// What register and claim said, until its owner has kept it.
export const kit = signal<{ handle: string; key: string } | undefined>(undefined)

export async function begin(): Promise<void> {
  boot.value = 'loading'
  try {
    account.value = await resume()
    if (account.value !== undefined) boot.value = 'ready'
    node.value = await http.call('node.info', {})
    boot.value = 'ready'
  } catch {
    if (account.value === undefined) boot.value = 'unreachable'
  }
}

async function resume(): Promise<Account | undefined> {
  const store = await IdbStore.open('kith')
  return Account.resume(browserEnv, http, store, async (f) => {
    if (navigator.locks === undefined) await f()
    else await navigator.locks.request('kith-outbox', f)
  })
}

export const client = /Mobile|Android|iPhone/.test(navigator.userAgent) ? 'Kith on a phone' : 'Kith in a browser'

export async function signedIn(): Promise<void> {
  account.value?.end()
  account.value = await resume()
}

export async function signOut(): Promise<void> {
  await account.value?.signOut()
  account.value = undefined
  http.csrf = undefined
}

// Runs what a press began and says so when it fails.
export async function attempt(f: () => Promise<unknown>): Promise<boolean> {
  try {
    await f()
    return true
  } catch (e) {
    toast(e instanceof KithError ? t('app.failed', { why: said(e) }) : String(e), true)
    return false
  }
}
