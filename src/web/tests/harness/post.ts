import { createServer, type Server, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { until } from './node'

// A mail server as far as a node needs one; it keeps what it is given.
export class Post {
  readonly mails: { readonly to: string; readonly text: string; readonly head: string }[] = []

  private constructor(private readonly server: Server) {}

  static async open(): Promise<Post> {
    const post: Post = new Post(createServer((s) => post.talk(s)))
    await new Promise<void>((done) => post.server.listen(0, '127.0.0.1', done))
    return post
  }
  get options(): string[] {
    return ['--smtp', `smtp://127.0.0.1:${(this.server.address() as AddressInfo).port}`, '--mail-from', 'kith@node.example']
  }
  close(): void {
    this.server.close()
  }

  // The code in the newest mail to somebody, once there are so many.
  async code(to: string, n = 1): Promise<string> {
    const mail = await until(() => this.mails.filter((m) => m.to === to)[n - 1], `mail ${n} to ${to}`)
    const code = /^ +(\d{6})$/m.exec(mail.text)?.[1]
    if (code === undefined) throw new Error(`no code in: ${mail.text}`)
    return code
  }

  private talk(s: Socket): void {
    let rest = ''
    let to = ''
    let data: string[] | undefined
    s.on('error', () => undefined)
    s.write('220 post\r\n')
    s.on('data', (d) => {
      rest += d.toString()
      for (let at = rest.indexOf('\r\n'); at >= 0; at = rest.indexOf('\r\n')) {
        const line = rest.slice(0, at)
        rest = rest.slice(at + 2)
        if (data !== undefined) {
          if (line !== '.') data.push(line)
          else {
            const gap = data.indexOf('')
            this.mails.push({ to, head: data.slice(0, gap).join('\n'), text: Buffer.from(data.slice(gap + 1).join(''), 'base64').toString() })
            data = undefined
            s.write('250 taken\r\n')
          }
        } else if (/^DATA/i.test(line)) {
          data = []
          s.write('354 go on\r\n')
        } else if (/^QUIT/i.test(line)) s.end('221 bye\r\n')
        else {
          to = /^RCPT TO:<(.*)>/i.exec(line)?.[1] ?? to
          s.write('250 ok\r\n')
        }
      }
    })
  }
}
