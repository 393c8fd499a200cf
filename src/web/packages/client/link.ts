import { signal, type ReadonlySignal } from '@preact/signals-core'
import type { Env, Socket } from './env'
import { KithError } from './error'
import type { Http } from './http'
import type { Method, Params, Push, Result } from './types'
import { isObject, pack, unpack } from './wire'

const FIRST_MS = 1000
const LAST_MS = 30_000
const PATIENCE_MS = 20_000

export type Phase =
  | { readonly is: 'connecting' }
  | { readonly is: 'online' }
  | { readonly is: 'waiting'; readonly until: number } // for the next try
  | { readonly is: 'offline' } // the machine itself has no network
  | { readonly is: 'signed-out' }

interface Waiting {
  readonly ok: (result: unknown) => void
  readonly fail: (e: KithError) => void
  readonly stop: () => void
}

// One WebSocket, made again whenever it ends: 1 s, 2 s, 4 s ... 30 s later, each with some chance in it.
export class Link {
  private readonly now = signal<Phase>({ is: 'connecting' })
  readonly phase: ReadonlySignal<Phase> = this.now
  private socket: Socket | undefined
  private readonly waiting = new Map<number, Waiting>()
  private next = 1
  private tries = 0
  private stopTimer = (): void => {}
  private ended = false

  constructor(
    private readonly env: Env,
    private readonly http: Http,
    private readonly on: { up(): void; push(p: Push): void },
  ) {
    env.onOnline(() => {
      if (this.now.value.is === 'offline' || this.now.value.is === 'waiting') this.connect()
    })
  }

  connect(): void {
    this.stopTimer()
    if (this.ended || this.socket !== undefined) return
    this.now.value = { is: 'connecting' }
    void this.open()
  }

  end(): void {
    this.ended = true
    this.stopTimer()
    this.socket?.close()
    this.socket = undefined
    this.failAll()
  }

  call<M extends Method>(method: M, params: Params<M>): Promise<Result<M>> {
    const socket = this.socket
    if (socket === undefined || this.now.value.is !== 'online') return this.http.call(method, params)
    const id = this.next++
    return new Promise((ok, fail) => {
      const stop = this.env.later(PATIENCE_MS, () => {
        this.waiting.delete(id)
        fail(new KithError('network', 'the server does not answer'))
        socket.close()
      })
      this.waiting.set(id, { ok: ok as (r: unknown) => void, fail, stop })
      socket.send(pack({ id, jsonrpc: '2.0', method, params }))
    })
  }

  private async open(): Promise<void> {
    let ticket = ''
    try {
      if (this.http.token === undefined) ticket = '?ticket=' + (await this.http.call('session.ticket', {})).ticket
    } catch (e) {
      if (e instanceof KithError && e.code === 'unauthorized') {
        this.now.value = { is: 'signed-out' }
        return
      }
      this.again(e instanceof KithError ? e.retryMs : 0)
      return
    }
    if (this.ended) return
    let opened = false
    const socket = this.env.socket(`${this.http.url}/ws${ticket}`, this.http.token, {
      open: () => {
        opened = true
        this.tries = 0
        this.now.value = { is: 'online' }
        this.on.up()
      },
      message: (bytes) => this.take(bytes),
      close: () => {
        if (this.socket !== socket) return
        this.socket = undefined
        this.failAll()
        if (opened) this.tries = 0
        this.again(0)
      },
    })
    this.socket = socket
  }

  private again(atLeastMs: number): void {
    if (this.ended) return
    if (!this.env.isOnline()) {
      this.now.value = { is: 'offline' }
    }
    const wait = Math.max(atLeastMs, Math.min(LAST_MS, FIRST_MS * 2 ** this.tries++) * (0.5 + this.env.random() / 2))
    if (this.env.isOnline()) this.now.value = { is: 'waiting', until: this.env.now() + wait }
    this.stopTimer = this.env.later(wait, () => this.connect())
  }

  private failAll(): void {
    for (const w of this.waiting.values()) {
      w.stop()
      w.fail(new KithError('network', 'the connection was lost'))
    }
    this.waiting.clear()
  }

  private take(bytes: ArrayBuffer): void {
    const m = unpack(bytes)
    if (!isObject(m)) return
    if (typeof m['method'] === 'string') {
      this.on.push(m as unknown as Push)
      return
    }
    const w = this.waiting.get(Number(m['id']))
    if (w === undefined) return
    this.waiting.delete(Number(m['id']))
    w.stop()
    const error = m['error']
    if (isObject(error)) {
      const data = isObject(error['data']) ? error['data'] : {}
      w.fail(new KithError(String(data['name'] ?? 'internal'), String(error['message']), Number(data['retry_ms'] ?? 0)))
    } else w.ok(m['result'])
  }
}
