import type { Browser, Locator } from 'playwright-core'
import { expect, test } from 'vitest'
import { Visitor } from '../harness/browser'
import { type Node, until } from '../harness/node'
import { png } from '../harness/png'
import { twoNodes } from '../harness/two'

let browser: Browser
let one: Node
let two: Node
twoNodes((...all) => ([browser, one, two] = all))

let n = 0
// Two people of names of their own at two nodes, in a group of the first.
async function together(): Promise<{ ada: Visitor; ben: Visitor; adaName: string; benName: string }> {
  n++
  const [adaName, benName] = [`ada${n}`, `ben${n}`]
  const ada = await Visitor.come(browser, one.url)
  await ada.register(adaName)
  await ada.newGroup('Garden')
  const link = await ada.invite()
  const ben = await Visitor.come(browser, two.url)
  await ben.register(benName)
  await ben.page.goto(two.url + '/invite' + new URL(link).hash)
  await ben.composer.waitFor()
  return { ada, ben, adaName, benName }
}

test('A7: a nickname and a status are seen by others within two seconds, also where they have spoken before', async () => {
  const { ada, ben, adaName } = await together()
  await ada.say('as before')
  await ben.message('as before').locator('.name', { hasText: adaName }).waitFor()
  const group = ada.page.url()
  await ada.page.goto(one.url + '/settings/profile')
  await ada.page.getByLabel('Nickname').fill('Countess')
  await ada.page.getByLabel('Status').fill('reading')
  await ada.page.getByLabel('About you').fill('<b>not bold</b>')
  await ada.page.getByRole('button', { name: 'Save' }).click()
  await ben.message('as before').locator('.name', { hasText: 'Countess' }).waitFor({ timeout: 2000 })
  await ben.message('as before').locator('.name').click()
  const card = ben.page.getByRole('dialog', { name: 'Countess' })
  await card.getByText('reading').waitFor()
  await card.getByText('<b>not bold</b>').waitFor()
  await card.getByText(adaName).waitFor()
  await ben.axe('card')
  await ben.page.keyboard.press('Escape')
  // it is still there when the page is loaded anew, and at the home, too
  await ada.page.goto(group)
  await ada.message('as before').locator('.name', { hasText: 'Countess' }).waitFor()
  await ben.page.reload()
  await ben.message('as before').locator('.name', { hasText: 'Countess' }).waitFor()
  await ada.leave()
  await ben.leave()
})

test('A7: a nickname that nobody may bear is refused with words', async () => {
  const v = await Visitor.come(browser, one.url)
  await v.register('plain')
  await v.page.goto(one.url + '/settings/profile')
  await v.page.getByLabel('Nickname').fill('a@b')
  await v.page.getByRole('button', { name: 'Save' }).click()
  await v.page.getByText('without # @ /').waitFor()
  await v.leave()
})

// The colours in the middles of a picture's four quarters, and its size.
const looksLike = (img: Locator): Promise<string> =>
  img.evaluate(async (el) => {
    if (!(el instanceof HTMLImageElement)) throw new Error('no picture')
    await el.decode()
    const c = document.createElement('canvas')
    c.width = c.height = 4
    const g = c.getContext('2d')
    g?.drawImage(el, 0, 0, 4, 4)
    const at = (x: number, y: number): string => {
      const [r = 0, gr = 0, b = 0] = g?.getImageData(x, y, 1, 1).data ?? []
      return r > 200 && gr > 200 && b > 200 ? 'white' : r > 200 ? 'red' : gr > 200 ? 'green' : b > 200 ? 'blue' : 'other'
    }
    return `${el.naturalWidth}x${el.naturalHeight} ${at(0, 0)} ${at(3, 0)} ${at(0, 3)} ${at(3, 3)}`
  })

test('A8: a picture is cut, turned and made larger by mouse and by keys, and seen on another server', async () => {
  const { ada, ben } = await together()
  await ada.say('who am I')
  const theirs = ben.message('who am I')
  await theirs.waitFor()
  await ada.page.goto(one.url + '/settings/profile')
  const pick = ada.page.locator('input[type=file]')
  await pick.setInputFiles({ name: 'x.svg', mimeType: 'image/svg+xml', buffer: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>') })
  await ada.page.getByText('no picture that can be shown').waitFor()
  await pick.setInputFiles({ name: 'x.png', mimeType: 'image/png', buffer: Buffer.from('not one either') })
  await ada.page.getByText('no picture that can be shown').nth(1).waitFor()

  await pick.setInputFiles({ name: 'me.png', mimeType: 'image/png', buffer: png(900, 600) })
  const dialog = ada.page.getByRole('dialog', { name: 'Choose the part to show' })
  await dialog.waitFor()
  await ada.axe('crop')
  await dialog.getByRole('button', { name: 'Use this picture' }).click()
  await dialog.waitFor({ state: 'detached' })
  expect(await looksLike(ada.page.locator('.settings .person img.avatar'))).toBe('512x512 red green blue white')
  const img = theirs.locator('img.avatar')
  await img.waitFor()
  expect(await looksLike(img)).toBe('512x512 red green blue white')

  // turned with a key, then so much larger and so far aside that one quarter is all there is
  await pick.setInputFiles({ name: 'me.png', mimeType: 'image/png', buffer: png(900, 600) })
  const stage = dialog.getByRole('img', { name: 'The picture in its frame' })
  await stage.focus()
  await ada.page.keyboard.press('r')
  for (let i = 0; i < 10; i++) await ada.page.keyboard.press('+')
  const box = await stage.boundingBox()
  if (box === null) throw new Error('no stage')
  for (let i = 0; i < 6; i++) {
    await ada.page.mouse.move(box.x + 20, box.y + 20)
    await ada.page.mouse.down()
    await ada.page.mouse.move(box.x + box.width - 20, box.y + box.height - 20, { steps: 4 })
    await ada.page.mouse.up()
  }
  await dialog.getByRole('button', { name: 'Use this picture' }).click()
  await dialog.waitFor({ state: 'detached' })
  await until(async () => (await looksLike(ada.page.locator('.settings .person img.avatar'))) === '512x512 blue blue blue blue', 'a blue picture')
  await until(async () => (await looksLike(theirs.locator('img.avatar'))) === '512x512 blue blue blue blue', 'a blue picture over there')

  await ada.page.getByRole('button', { name: 'Remove the picture' }).click()
  await theirs.locator('img.avatar').waitFor({ state: 'detached' })
  await ada.leave()
  await ben.leave()
})

test('G2: a group has a picture and a banner, the same on both servers', async () => {
  const { ada, ben } = await together()
  const group = ada.page.url().replace(/(\/g\/[^/]+).*/, '$1')
  await ada.page.goto(group + '/settings/overview')
  const pick = ada.page.locator('.group-face input[type=file]')
  await pick.nth(1).setInputFiles({ name: 'g.png', mimeType: 'image/png', buffer: png(600, 600) })
  await ada.page.getByRole('button', { name: 'Use this picture' }).click()
  await ben.page.locator('.rail img.avatar').waitFor()
  expect(await looksLike(ben.page.locator('.rail img.avatar'))).toBe('512x512 red green blue white')
  await pick.nth(0).setInputFiles({ name: 'b.png', mimeType: 'image/png', buffer: png(2000, 600) })
  await ada.page.getByRole('button', { name: 'Use this picture' }).click()
  await ben.page.locator('.sidebar img.banner').waitFor()
  expect(await looksLike(ben.page.locator('.sidebar img.banner'))).toBe('1600x480 red green blue white')
  // who may not change them sees no buttons for it
  await ben.page.goto(ben.page.url().replace(/(\/g\/[^/]+).*/, '$1') + '/settings/overview')
  await ben.page.locator('.group-face img').first().waitFor()
  expect(await ben.page.locator('.group-face input[type=file]').count()).toBe(0)
  await ada.leave()
  await ben.leave()
})

test('F1: a request goes to another server, is accepted, and ended', async () => {
  const { ada, ben, adaName, benName } = await together()
  await ada.page.goto(one.url + '/friends')
  await ada.page.getByLabel('Add a friend').fill(`${benName}@two`)
  await ada.page.getByLabel('Add a friend').press('Enter')
  await ada.page.getByText('has been asked').waitFor()
  await ben.page.goto(two.url + '/home')
  await ben.page.locator('.tree a', { hasText: 'Friends' }).locator('.badge', { hasText: '1' }).waitFor()
  await ben.page.locator('.tree a', { hasText: 'Friends' }).click()
  await ben.page.getByRole('link', { name: 'Requests (1)' }).click()
  await ben.page.locator('.friends li', { hasText: adaName }).getByRole('button', { name: 'Accept' }).click()
  await ada.page.locator('.friends li', { hasText: benName }).getByRole('button', { name: `Write to ${benName}` }).waitFor()
  await ben.page.goto(two.url + '/friends')
  await ben.page.locator('.friends li', { hasText: adaName }).waitFor()
  await ben.axe('friends')
  await ada.page.locator('.friends .row', { hasText: benName }).click()
  await ada.page.getByRole('dialog').getByRole('button', { name: 'More' }).click()
  await ada.page.getByRole('menuitem', { name: 'Remove as friend' }).click()
  await ben.page.getByText('No friends here yet').waitFor()
  await ada.leave()
  await ben.leave()
})

test('F2: another name and a note for somebody are mine alone, on all my devices', async () => {
  const { ada, ben, adaName, benName } = await together()
  await ada.say('who am I')
  await ben.message('who am I').locator('.name').click()
  await ben.page.getByLabel('What you call them').fill('Captain')
  await ben.page.getByLabel('Note').fill('met at sea')
  await ben.page.getByRole('button', { name: 'Close' }).click()
  await ben.message('who am I').locator('.name', { hasText: 'Captain' }).waitFor()
  const second = await Visitor.come(browser, two.url)
  await second.login(benName)
  await second.page.locator('.rail a[title=Garden]').click()
  await second.message('who am I').locator('.name', { hasText: 'Captain' }).waitFor()
  await second.message('who am I').locator('.name').click()
  await expect.poll(() => second.page.getByLabel('Note').inputValue()).toBe('met at sea')
  await ada.message('who am I').locator('.name', { hasText: adaName }).waitFor()
  await ada.leave()
  await ben.leave()
  await second.leave()
})

test('F3: who is blocked is not read, cannot ask, and is not told', async () => {
  const { ada, ben, benName } = await together()
  await ada.say('noise')
  await ben.message('noise').locator('.name').click()
  await ben.page.getByRole('dialog').getByRole('button', { name: 'More' }).click()
  await ben.page.getByRole('menuitem', { name: 'Block' }).click()
  await ben.page.getByRole('dialog').getByText('You have blocked them').waitFor()
  await ben.page.getByRole('button', { name: 'Close' }).click()
  await ben.page.getByText('A message from somebody you have blocked.').waitFor()
  expect(await ben.page.getByText('noise').count()).toBe(0)
  await ada.page.goto(one.url + '/friends')
  await ada.page.getByLabel('Add a friend').fill(`${benName}@two`)
  await ada.page.getByLabel('Add a friend').press('Enter')
  await ada.page.getByText('has been asked').waitFor()
  await ben.page.goto(two.url + '/friends/blocked')
  await ben.page.locator('.friends').getByRole('button', { name: 'Unblock' }).click()
  await ben.page.getByText('You have blocked nobody.').waitFor()
  await ben.page.goto(two.url + '/friends/requests')
  await ben.page.getByText('Nobody waits for an answer.').waitFor()
  await ada.leave()
  await ben.leave()
})

test('F5: others see who is there, who wants to be left alone, and not who is invisible', async () => {
  const { ada, ben, adaName } = await together()
  await ben.page.locator('.chat header button[aria-pressed]').click()
  const face = ben.page.locator('.members .row', { hasText: adaName }).locator('.face')
  await expect.poll(() => face.getAttribute('data-presence')).toBe('online')
  const choose = async (name: string): Promise<void> => {
    await ada.page.getByRole('button', { name: 'How others see you' }).click()
    await ada.page.getByRole('menuitem', { name }).click()
  }
  await choose('Do not disturb')
  await expect.poll(() => face.getAttribute('data-presence')).toBe('busy')
  await choose('Invisible')
  await expect.poll(() => face.getAttribute('data-presence')).toBe('offline')
  // what one chose is still so after a reload
  await ada.page.reload()
  await ada.composer.waitFor()
  await expect.poll(() => ada.page.locator('.self .face').getAttribute('data-presence')).toBe('offline')
  expect(await face.getAttribute('data-presence')).toBe('offline')
  await choose('Online')
  await expect.poll(() => face.getAttribute('data-presence')).toBe('online')
  // who comes later knows it, too
  await ben.page.reload()
  await expect.poll(() => face.getAttribute('data-presence')).toBe('online')
  await ada.leave()
  await ben.leave()
})

test('A9: a handle is unique by its number, and is copied or shown as a code in one click; the code leads to who scans it', async () => {
  const [a, b] = [await Visitor.come(browser, one.url), await Visitor.come(browser, one.url)]
  await a.register('Twin')
  await b.register('twin')
  const handleOf = async (v: Visitor): Promise<string> => {
    await v.page.goto(one.url + '/home')
    return ((await v.page.locator('.start .handle').innerText()) ?? '').trim()
  }
  const [ha, hb] = [await handleOf(a), await handleOf(b)]
  expect(ha).toMatch(/^Twin#\d{4}$/)
  expect(hb).toMatch(/^twin#\d{4}$/)
  expect(ha.split('#')[1]).not.toBe(hb.split('#')[1])
  await a.page.getByRole('button', { name: 'Copy' }).click()
  expect(await a.page.evaluate(() => navigator.clipboard.readText())).toBe(ha)
  await a.page.getByRole('button', { name: 'Show as QR code' }).click()
  const whole = `${ha}@one`
  await a.page.getByRole('img', { name: `QR code of ${whole}` }).waitFor()
  await a.axe('handle')
  // whoever scans it and is not signed in yet is there afterwards
  await b.page.context().clearCookies()
  await b.page.goto(`${one.url}/friends?add=${encodeURIComponent(whole)}`)
  await b.page.getByLabel('Name').fill(hb)
  await b.page.getByLabel('Password').fill('correct horse battery')
  await b.page.getByRole('button', { name: 'Log in' }).click()
  const field = b.page.getByLabel('Add a friend')
  await field.waitFor()
  expect(await field.inputValue()).toBe(whole)
  await field.press('Enter')
  await b.page.getByText('has been asked').waitFor()
  await a.leave()
  await b.leave()
})
