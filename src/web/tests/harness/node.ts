import { spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const built = process.env['KITH_BUILDDIR'] ?? join(import.meta.dirname, '../../../../build/dev')
const NOBODY = 65534
const rates = ['send', 'login', 'login-address', 'register', 'join', 'group', 'invite', 'authority', 'read']

// A real kithd in a folder of its own, on ports that the system chose.
export class Node {
  url = ''
  peer = ''
  id = ''
  private clock: string | undefined
  private process: ChildProcess | undefined
  private said = ''

  private constructor(
    readonly name: string,
    private readonly dir: string,
    private readonly options: readonly string[],
  ) {}

  static async start(name: string, ...options: string[]): Promise<Node> {
    const dir = mkdtempSync(join(tmpdir(), 'kith-web-'))
    if (process.getuid?.() === 0) chownSync(dir, NOBODY, NOBODY)
    const node = new Node(name, dir, options)
    await node.up()
    return node
  }

  // One whose wall clock can be moved on.
  static async startTimed(name: string, ...options: string[]): Promise<Node> {
    const dir = mkdtempSync(join(tmpdir(), 'kith-web-'))
    if (process.getuid?.() === 0) chownSync(dir, NOBODY, NOBODY)
    const node = new Node(name, dir, options)
    node.clock = `${dir}.clock`
    node.moveClock(0)
    chmodSync(node.clock, 0o644)
    await node.up()
    return node
  }
  moveClock(ms: number): void {
    const at = Buffer.alloc(8)
    at.writeBigInt64LE(BigInt(ms))
    if (this.clock !== undefined) writeFileSync(this.clock, at, { flag: 'w' })
  }

  // Again on the same ports, so that everybody finds it.
  async up(): Promise<void> {
    const client = this.url === '' ? '127.0.0.1:0' : new URL(this.url).host
    const peer = this.peer === '' ? '127.0.0.1:0' : this.peer
    const child = spawn(
      join(built, 'kithd'),
      ['--state', this.dir, '--name', this.name, '--listen-client', client, '--listen-peer', peer, '--registration', 'open']
        .concat(process.getuid?.() === 0 ? ['--user', 'nobody'] : [])
        .concat(rates.flatMap((r) => [`--rate-${r}`, 'off']))
        .concat(this.options),
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...this.preload() } },
    )
    this.process = child
    child.stderr.on('data', (d: Buffer) => (this.said = (this.said + d.toString()).slice(-4000)))
    for await (const line of createInterface(child.stdout)) {
      const m = /^ready client=(\S+) peer=(\S+) node=(\S+)/.exec(line)
      if (m === null) continue
      this.url = (m[1] ?? '').replace(/\/$/, '')
      this.peer = m[2] ?? ''
      this.id = m[3] ?? ''
      return
    }
    throw new Error(`kithd did not start: ${this.said}`)
  }

  private preload(): Record<string, string> {
    if (this.clock === undefined) return {}
    return { LD_PRELOAD: join(built, 'tests/e2e/clock.so'), KITH_TEST_CLOCK: this.clock, ASAN_OPTIONS: `${process.env['ASAN_OPTIONS'] ?? ''}:verify_asan_link_order=0` }
  }

  async down(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((done) => child.once('exit', done))
    child.kill(signal)
    await ended
  }

  async stop(): Promise<void> {
    await this.down()
    rmSync(this.dir, { recursive: true, force: true })
    if (this.clock !== undefined) rmSync(this.clock, { force: true })
  }
}

// Waits for a condition, not for a time.
export async function until<T>(f: () => T | Promise<T>, what: string, ms = 20_000): Promise<NonNullable<T>> {
  const end = Date.now() + ms
  for (;;) {
    const v = await f()
    if (v !== undefined && v !== null && v !== false) return v
    if (Date.now() > end) throw new Error(`waited in vain for: ${what}`)
    await new Promise((r) => setTimeout(r, 25))
  }
}
