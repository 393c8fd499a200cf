// What the client takes from where it runs, so that the same code works in a page and in a test.

export interface Socket {
  send(bytes: Uint8Array<ArrayBuffer>): void
  close(): void
}
export interface SocketEvents {
  open(): void
  message(bytes: ArrayBuffer): void
  close(): void
}
export interface Env {
  readonly fetch: typeof fetch
  // path: /ws with its query
  readonly socket: (url: string, token: string | undefined, on: SocketEvents) => Socket
  readonly now: () => number
  readonly random: () => number
  readonly newId: () => string
  readonly later: (ms: number, f: () => void) => () => void
  readonly isOnline: () => boolean
  readonly onOnline: (f: () => void) => void
}
