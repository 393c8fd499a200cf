import { crc32, deflateSync } from 'node:zlib'

// A picture of four quarters: red, green / blue, white; its middle can be told from its edges.
export function png(w: number, h: number): Buffer {
  const chunk = (kind: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(kind), data])
    const out = Buffer.alloc(8)
    out.writeUInt32BE(data.length)
    out.writeUInt32BE(crc32(body) >>> 0, 4)
    return Buffer.concat([out.subarray(0, 4), body, out.subarray(4)])
  }
  const colours = [
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
    [255, 255, 255],
  ]
  const rows = Buffer.alloc(h * (1 + 3 * w))
  for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) rows.set(colours[(y < h / 2 ? 0 : 2) + (x < w / 2 ? 0 : 1)] ?? [], y * (1 + 3 * w) + 1 + 3 * x)
  const head = Buffer.alloc(13)
  head.writeUInt32BE(w)
  head.writeUInt32BE(h, 4)
  head.set([8, 2, 0, 0, 0], 8)
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', head), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))])
}
