import { randomBytes } from 'node:crypto'
import { WebSocket } from 'undici'
import { Account, Http, MemoryStore, type Env, type Store } from '@kith/client'

// The client's surroundings in a test: real sockets, and a switch that cuts them.
export class TestEnv implements Env {
  online = true
  received = 0
  private readonly sockets = new Set<WebSocket>()
  private readonly onlines: (() => void)[] = []

  readonly fetch: typeof fetch = async (input, init) => {
    if (!this.online) throw new TypeError('cut')
    const answer = await fetch(input, init)
    this.received += (await answer.clone().arrayBuffer()).byteLength
    return answer
  }
  readonly socket: Env['socket'] = (url, token, on) => {
    const ws = new WebSocket(url.replace(/^http/, 'ws'), { protocols: ['kith.msgpack'], headers: { authorization: `Bearer ${token ?? ''}` } })
    ws.binaryType = 'arraybuffer'
    this.sockets.add(ws)
    ws.onopen = () => on.open()
    ws.onmessage = (e) => {
      const bytes = e.data as ArrayBuffer
      this.received += bytes.byteLength
      on.message(bytes)
    }
    ws.onclose = () => {
      this.sockets.delete(ws)
      on.close()
    }
    ws.onerror = () => undefined
    return { send: (b) => ws.send(b), close: () => ws.close() }
  }
  readonly now = Date.now
  readonly random = Math.random
  readonly newId = (): string => randomBytes(16).toString('hex')
  readonly later = (ms: number, f: () => void): (() => void) => {
    const t = setTimeout(f, ms)
    return () => clearTimeout(t)
  }
  readonly isOnline = (): boolean => this.online
  readonly onOnline = (f: () => void): void => void this.onlines.push(f)

  cut(): void {
    this.online = false
    for (const s of this.sockets) s.close()
  }
  heal(): void {
    this.online = true
    for (const f of this.onlines) f()
  }
}

export interface Person {
  readonly a: Account
  readonly env: TestEnv
  readonly http: Http
  readonly store: Store
}

export async function register(url: string, name: string): Promise<Person> {
  const env = new TestEnv()
  const { token } = await new Http(env, url, '').call('account.register', { name, password: 'correct horse battery' })
  return signIn(url, token ?? '', env)
}

export async function signIn(url: string, token: string, env = new TestEnv(), store: Store = new MemoryStore()): Promise<Person> {
  const http = new Http(env, url, token)
  const a = await Account.resume(env, http, store)
  if (a === undefined) throw new Error('not signed in')
  return { a, env, http, store }
}
