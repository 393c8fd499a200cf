import type { Env } from '../env'

export const browserEnv: Env = {
  fetch: (input, init) => fetch(input, init),
  socket(url, _token, on) {
    const ws = new WebSocket(url.replace(/^http/, 'ws'), 'kith.msgpack')
    ws.binaryType = 'arraybuffer'
    ws.onopen = on.open
    ws.onmessage = (e) => {
      if (e.data instanceof ArrayBuffer) on.message(e.data)
    }
    ws.onclose = on.close
    return { send: (b) => ws.send(b), close: () => ws.close() }
  },
  now: Date.now,
  random: Math.random,
  newId: () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join(''),
  later(ms, f) {
    const t = setTimeout(f, ms)
    return () => clearTimeout(t)
  },
  isOnline: () => navigator.onLine,
  onOnline: (f) => window.addEventListener('online', f),
}
