import { expect, test } from 'vitest'
import { held, scaleOf, turned, whole, ZOOM_MAX, zoomed, type Crop } from '../../app/lib/crop'

const frame = { w: 300, h: 300 }
const wide = { w: 600, h: 400 }

test('a picture just covers its frame to begin with, lying or standing', () => {
  expect(scaleOf(wide, frame, whole)).toBe(300 / 400)
  expect(scaleOf({ w: 30, h: 10 }, frame, whole)).toBe(30)
  expect(scaleOf(wide, { w: 1600, h: 480 }, turned(whole))).toBe(4)
})

test('it is never moved so far that a part of the frame is empty', () => {
  const most = (600 * 0.75 - 300) / 2
  expect(held(wide, frame, { ...whole, x: 1e9, y: 5 })).toEqual({ ...whole, x: most, y: 0 })
  expect(held(wide, frame, { ...whole, x: -1e9, y: -5 })).toEqual({ ...whole, x: -most, y: -0 })
  expect(held(wide, frame, { ...whole, zoom: 0 }).zoom).toBe(1)
  expect(held(wide, frame, { ...whole, zoom: 1e9 }).zoom).toBe(ZOOM_MAX)
})

test('what lies under the pointer stays there while the picture grows', () => {
  const c: Crop = { x: 10, y: -20, zoom: 2, turns: 0 }
  const z = zoomed(c, 5, 40, 30)
  // the picture's own place under (40, 30), before and after
  expect((40 - z.x) / z.zoom).toBeCloseTo((40 - c.x) / c.zoom)
  expect((30 - z.y) / z.zoom).toBeCloseTo((30 - c.y) / c.zoom)
})

test('four quarters are none', () => {
  const c: Crop = { x: 10, y: -20, zoom: 2, turns: 1 }
  expect(turned(turned(turned(turned(c))))).toEqual(c)
  expect(turned(c)).toEqual({ x: 20, y: 10, zoom: 2, turns: 2 })
})
