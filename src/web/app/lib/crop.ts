// What of a picture lies in a frame. Lengths are the frame's; (x, y) is where the picture's middle lies, from the frame's.

export interface Frame {
  readonly w: number
  readonly h: number
}
export interface Crop {
  readonly x: number
  readonly y: number
  // 1: it just covers the frame
  readonly zoom: number
  // quarters, clockwise
  readonly turns: number
}
export const ZOOM_MAX = 8
export const whole: Crop = { x: 0, y: 0, zoom: 1, turns: 0 }

// The frame's lengths for one of the picture's pixels.
export function scaleOf(picture: Frame, frame: Frame, c: Crop): number {
  const [w, h] = c.turns % 2 === 0 ? [picture.w, picture.h] : [picture.h, picture.w]
  return Math.max(frame.w / w, frame.h / h) * c.zoom
}

// The nearest to c that leaves no part of the frame empty.
export function held(picture: Frame, frame: Frame, c: Crop): Crop {
  const zoom = Math.min(ZOOM_MAX, Math.max(1, c.zoom))
  const s = scaleOf(picture, frame, { ...c, zoom })
  const [w, h] = c.turns % 2 === 0 ? [picture.w, picture.h] : [picture.h, picture.w]
  const near = (v: number, most: number): number => Math.min(Math.max(v, -most), most)
  return { turns: c.turns % 4, zoom, x: near(c.x, Math.max(0, (w * s - frame.w) / 2)), y: near(c.y, Math.max(0, (h * s - frame.h) / 2)) }
}

// Larger or smaller around a point of the frame, counted from its middle.
export function zoomed(c: Crop, zoom: number, px = 0, py = 0): Crop {
  const z = Math.min(ZOOM_MAX, Math.max(1, zoom))
  const k = z / c.zoom
  return { ...c, zoom: z, x: px + (c.x - px) * k, y: py + (c.y - py) * k }
}

export function turned(c: Crop): Crop {
  return { ...c, turns: (c.turns + 1) % 4, x: -c.y, y: c.x }
}
