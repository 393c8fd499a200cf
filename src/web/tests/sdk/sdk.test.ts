import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { KithError } from '@kith/client'
import { register, signIn, type Person } from '../harness/env'
import { Node, until } from '../harness/node'

let one: Node
let two: Node
beforeAll(async () => {
  one = await Node.start('one')
  two = await Node.start('two', '--peer', one.peer)
})
afterAll(async () => {
  await one?.stop()
  await two?.stop()
})

async function shared(): Promise<{ ada: Person; ben: Person; group: string; panel: string }> {
  const ada = await register(one.url, 'ada')
  const ben = await register(two.url, 'ben')
  const { id: group, panel } = await ada.a.call('group.new', { name: 'Garden' })
  const { link } = await ada.a.call('invite.new', { group })
  await ben.a.call('group.join', { link })
  await Promise.all([ada.a.loadGroups(), ben.a.loadGroups()])
  await Promise.all([ada.a.show(group, panel), ben.a.show(group, panel)])
  return { ada, ben, group, panel }
}
const texts = (p: Person, group: string, panel: string): string[] => p.a.timeline(group, panel).messages.value.map((m) => m.text)

describe('the SDK against two nodes', () => {
  test('people of two nodes see the same, in the same order', async () => {
    const { ada, ben, group, panel } = await shared()
    for (let i = 0; i < 5; i++) {
      await ada.a.outbox.add(group, panel, `a${i}`)
      await ben.a.outbox.add(group, panel, `b${i}`)
    }
    await until(() => texts(ada, group, panel).length === 10 && texts(ben, group, panel).length === 10, 'ten messages at both')
    expect(texts(ada, group, panel)).toEqual(texts(ben, group, panel))
    expect(ada.a.outbox.pending.value).toEqual([])
    const mine = ada.a.timeline(group, panel).messages.value.find((m) => m.text === 'a0')
    await ada.a.call('message.edit', { group, id: mine?.id ?? '', text: 'a0, edited' })
    await until(() => texts(ben, group, panel).includes('a0, edited'), 'the edit at the other node')
    await ben.a.call('message.react', { group, id: mine?.id ?? '', emoji: '👍' })
    await until(() => ada.a.timeline(group, panel).find(mine?.id ?? '')?.reactions[0]?.[1] === 1, 'the reaction')
    await ada.a.call('message.recall', { group, id: mine?.id ?? '' })
    await until(() => ben.a.timeline(group, panel).find(mine?.id ?? '')?.state === 'recalled', 'the recall')
    ada.a.end()
    ben.a.end()
  })

  test('what is written offline is sent, once and in order; what was missed is caught up', async () => {
    const { ada, ben, group, panel } = await shared()
    ada.env.cut()
    await until(() => ada.a.phase.value.is === 'offline', 'offline')
    for (const x of ['first', 'second', 'third']) await ada.a.outbox.add(group, panel, x)
    await ben.a.outbox.add(group, panel, 'meanwhile')
    await until(() => texts(ben, group, panel).includes('meanwhile'), 'the other goes on')
    ada.env.heal()
    await until(() => ada.a.outbox.pending.value.length === 0, 'all is sent')
    await until(() => texts(ada, group, panel).length === 4 && texts(ben, group, panel).length === 4, 'four messages at both')
    expect(texts(ada, group, panel)).toEqual(texts(ben, group, panel))
    expect(texts(ada, group, panel).filter((x) => x !== 'meanwhile')).toEqual(['first', 'second', 'third'])
    ada.a.end()
    ben.a.end()
  })

  test('a restart of the node is passed over; the device knows what there was', async () => {
    const node = await Node.start('three')
    const ada = await register(node.url, 'ada')
    const { id: group, panel } = await ada.a.call('group.new', { name: 'Garden' })
    await ada.a.loadGroups()
    await ada.a.show(group, panel)
    await ada.a.outbox.add(group, panel, 'before')
    await until(() => texts(ada, group, panel).length === 1, 'the message')
    await until(async () => (await ada.store.get('page', panel)) !== undefined && ((await ada.store.get('state', 'account')) as { groups: unknown[] } | undefined)?.groups.length === 1, 'the device has it')
    await node.down('SIGKILL')
    await until(() => ada.a.phase.value.is === 'waiting', 'it waits')
    await ada.a.outbox.add(group, panel, 'while it was down')
    const asleep = await signIn(node.url, ada.http.token ?? '', undefined, ada.store)
    await asleep.a.show(group, panel)
    expect(texts(asleep, group, panel)).toEqual(['before'])
    expect(asleep.a.group(group)?.name).toBe('Garden')
    await node.up()
    ada.a.reconnect()
    await until(() => texts(ada, group, panel).length === 2, 'both messages')
    expect(ada.a.timeline(group, panel).messages.value.map((m) => m.text)).toEqual(['before', 'while it was down'])
    ada.a.end()
    asleep.a.end()
    await node.stop()
  })

  test('coming back fetches what changed and no more', async () => {
    const { ada, ben, group, panel } = await shared()
    for (let i = 0; i < 60; i++) await ben.a.call('message.send', { group, panel, text: `a longer line of text, number ${i}` })
    const quiet = await ada.a.call('group.new', { name: 'Quiet' })
    for (let i = 0; i < 60; i++) await ada.a.call('message.send', { group: quiet.id, panel: quiet.panel, text: `nothing happens here, ${i}` })
    await ada.a.loadGroups()
    await ada.a.show(quiet.id, quiet.panel)
    await ada.a.show(group, panel)
    await until(() => texts(ada, group, panel).length >= 50, 'a page')
    const cursor = async (): Promise<unknown> => ((await ada.store.get('state', 'account')) as { cursor?: string } | undefined)?.cursor
    const at = await cursor()
    await until(async () => (await cursor()) !== at, 'the cursor has moved on')
    ada.env.cut()
    await until(() => ada.a.phase.value.is === 'offline', 'offline')
    const before = ada.env.received
    ada.env.heal()
    await until(() => ada.a.phase.value.is === 'online' && ada.env.received > before, 'online')
    await ada.a.call('account.me', {})
    expect(ada.env.received - before).toBeLessThan(4000)
    ada.a.end()
    ben.a.end()
  })

  test('a wrong session is said to be one', async () => {
    await expect(signIn(one.url, 'a'.repeat(52))).rejects.toThrow('not signed in')
    const ada = await register(one.url, 'eve')
    await expect(ada.a.call('group.leave', { group: 'a'.repeat(52) })).rejects.toBeInstanceOf(KithError)
    ada.a.end()
  })
})
