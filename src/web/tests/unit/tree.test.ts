import { expect, test } from 'vitest'
import { between, ofTime, placed, step } from '../../app/lib/tree'
import type { Panel } from '@kith/client'

const panel = (id: string, order: string, parent: string | null = null, kind: Panel['kind'] = 'chat') => ({ id, order, parent, kind }) as Panel

test('there is always room between two places, and at both ends', () => {
  let seed = 7
  const random = (n: number): number => (seed = (seed * 48271) % 2147483647) % n
  const all = ['0190000000000000', '0190000000010000']
  for (let i = 0; i < 2000; i++) {
    const at = random(all.length + 1)
    const low = all[at - 1] ?? ''
    const high = all[at]
    const made = between(low, high)
    expect(made > low && (high === undefined || made < high), `${low} < ${made} < ${high}`).toBe(true)
    all.splice(at, 0, made)
  }
})

test('always at the same place the text stays short', () => {
  let low = '0190000000000000'
  for (let i = 0; i < 100; i++) low = between(low, '0190000000010000')
  expect(low.length).toBeLessThan(48)
})

test('a panel goes between two that were put at one place at once: they move apart', () => {
  const all = [panel('a', '5'), panel('b', '5'), panel('c', '6')]
  const said = placed(all, 1, panel('x', '7'), 0)
  expect(said.map(([id]) => id)).toEqual(['x', 'b'])
  const [x, b] = said.map(([, order]) => order)
  expect('5' < (x ?? '') && (x ?? '') < (b ?? '') && (b ?? '') < '6').toBe(true)
})

test('who goes last stands before those that are made later, and who stands well stays', () => {
  const now = 1_800_000_000_000
  const all = [panel('a', ofTime(now - 5000)), panel('b', ofTime(now - 4000))]
  const [id, order = ''] = placed(all, 2, panel('x', '0'), now)[0] ?? []
  expect(id).toBe('x')
  expect(ofTime(now - 4000) < order && order < ofTime(now + 1)).toBe(true)
  expect(placed([], 0, panel('x', ofTime(now - 9000)), now)).toEqual([])
  expect(placed(all, 0, panel('x', '0'), now)).toEqual([])
})

test('steps go past siblings, into the folder above and out again', () => {
  const all = [panel('f', '1', null, 'folder'), panel('a', '2'), panel('b', '3'), panel('g', '1', 'f')]
  const [f, a, b, g] = all as [Panel, Panel, Panel, Panel]
  expect(step(all, b, 'up')).toEqual({ parent: null, at: 1 })
  expect(step(all, b, 'down')).toBeUndefined()
  expect(step(all, a, 'in')).toEqual({ parent: 'f', at: 1 })
  expect(step(all, f, 'in')).toBeUndefined()
  expect(step(all, g, 'out')).toEqual({ parent: null, at: 1 })
})
