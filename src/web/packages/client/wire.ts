import { decode, encode } from '@msgpack/msgpack'

// The one form that PROTOCOL.md allows: keys ascending, no member that is not there.
export function pack(value: unknown): Uint8Array<ArrayBuffer> {
  return encode(value, { sortKeys: true, ignoreUndefined: true })
}

export function unpack(bytes: ArrayBuffer | Uint8Array): unknown {
  return decode(bytes, { maxStrLength: 1 << 20, maxArrayLength: 100_000, maxMapLength: 10_000 })
}

export function isObject(v: unknown): v is Record<string, unknown> {
  return typeof v === 'object' && v !== null && !Array.isArray(v)
}
