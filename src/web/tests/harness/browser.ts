import { AxeBuilder } from '@axe-core/playwright'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { expect } from 'vitest'
import { until } from './node'

export interface Look {
  readonly lang?: 'en-US' | 'zh-CN'
  readonly scheme?: 'light' | 'dark'
  readonly phone?: boolean
}

export async function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: process.env['KITH_CHROMIUM'] ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage'] })
}

// A browser of somebody's own. Anything that it asks of another origin, or says is wrong with the page, is kept.
export class Visitor {
  readonly wrong: string[] = []
  // Pages from elsewhere that a web panel shows.
  readonly elsewhere = new Set<string>()

  private constructor(
    readonly context: BrowserContext,
    readonly page: Page,
    readonly url: string,
  ) {}

  static async come(browser: Browser, url: string, look: Look = {}): Promise<Visitor> {
    const context = await browser.newContext({
      viewport: look.phone === true ? { width: 390, height: 844 } : { width: 1280, height: 800 },
      locale: look.lang ?? 'en-US',
      colorScheme: look.scheme ?? 'light',
      hasTouch: look.phone ?? false,
      isMobile: look.phone ?? false,
      permissions: ['clipboard-read', 'clipboard-write'],
    })
    const v = new Visitor(context, await context.newPage(), url)
    v.watch(v.page)
    return v
  }
  watch(page: Page): void {
    page.on('pageerror', (e) => this.wrong.push(`error: ${e.message}`))
    page.on('console', (m) => {
      if (this.elsewhere.size > 0 && m.text().startsWith('Unsafe attempt to initiate navigation')) return // it tried, and may not
      if (m.type() === 'error' && !/Failed to load resource|WebSocket|ERR_/.test(m.text())) this.wrong.push(`console: ${m.text()}`)
    })
    page.on('request', (r) => {
      const u = new URL(r.url())
      if (!this.elsewhere.has(u.origin) && u.origin !== this.url && u.host !== new URL(this.url).host && u.protocol !== 'data:' && u.protocol !== 'blob:') this.wrong.push(`asked ${r.url()}`)
    })
  }

  async register(name: string): Promise<void> {
    await this.page.goto(this.url + '/')
    await this.page.locator('.ways button').first().click()
    const fields = this.page.locator('.entry input')
    await fields.nth(0).fill(name)
    await fields.nth(1).fill('correct horse battery')
    await this.page.locator('.entry button.main').click()
    await this.page.locator('dialog .kit').waitFor()
    await this.page.locator('dialog button.main').click()
    await this.page.locator('.rail').waitFor({ state: 'attached' })
  }
  async login(name: string): Promise<void> {
    await this.page.goto(this.url + '/')
    const fields = this.page.locator('.entry input')
    await fields.nth(0).fill(name)
    await fields.nth(1).fill('correct horse battery')
    await this.page.locator('.entry button.main').click()
    await this.page.locator('.rail').waitFor({ state: 'attached' })
  }
  async newGroup(name: string): Promise<void> {
    await this.page.locator('.tile.add, .start button.main').first().click()
    await this.page.locator('dialog input').first().fill(name)
    await this.page.locator('dialog button.main').click()
    await this.composer.waitFor()
  }
  async invite(): Promise<string> {
    await this.page.keyboard.press('Alt+i')
    const field = this.page.locator('dialog .copy input')
    await field.waitFor()
    const link = await until(async () => /.*#.*/.exec(await field.inputValue())?.[0], 'a link')
    await this.page.keyboard.press('Escape')
    await this.page.locator('dialog').waitFor({ state: 'detached' })
    return link
  }
  get composer() {
    return this.page.locator('.composer textarea')
  }
  async say(text: string): Promise<void> {
    await this.composer.fill(text)
    await this.composer.press('Enter')
  }
  message(text: string) {
    return this.page.locator('article.message', { hasText: text }).last()
  }
  async axe(what: string): Promise<void> {
    const { violations } = await new AxeBuilder({ page: this.page }).withTags(['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']).analyze()
    const serious = violations.filter((x) => x.impact === 'serious' || x.impact === 'critical')
    expect(serious.map((x) => `${what}: ${x.id}: ${x.nodes.map((n) => n.target.join(' ') + ' ' + (n.any[0]?.message ?? '')).join('; ')}`)).toEqual([])
  }
  async leave(): Promise<void> {
    expect(this.wrong).toEqual([])
    await this.context.close()
  }
}
