import type { Env } from './env'
import { KithError } from './error'
import type { Brought, Method, Params, Result } from './types'
import { isObject, pack, unpack } from './wire'

/*
 * Calls over HTTP. In a page the session lies in a cookie that scripts cannot read, and what
 * writes carries its proof, which each answer repeats; a program holds the token itself.
 */
export class Http {
  csrf: string | undefined

  constructor(
    private readonly env: Env,
    readonly url: string,
    public token?: string,
  ) {}

  async call<M extends Method>(method: M, params: Params<M>, signal?: AbortSignal): Promise<Result<M>> {
    const body = await this.ask(method, 'application/msgpack', pack(params), signal, async (r) => unpack(await r.arrayBuffer()))
    if (isObject(body) && typeof body['csrf'] === 'string') this.csrf = body['csrf']
    return body as Result<M>
  }

  // A file; pictures are made anew on the way.
  async bring(kind: 'file' | 'avatar' | 'banner', file: Blob, signal?: AbortSignal): Promise<Brought> {
    return (await this.ask(`blob?kind=${kind}`, 'application/octet-stream', file, signal, (r) => r.json())) as Brought
  }

  private async ask(path: string, type: string, content: BodyInit, signal: AbortSignal | undefined, read: (r: Response) => Promise<unknown>): Promise<unknown> {
    const headers: Record<string, string> = { 'Content-Type': type }
    if (this.token !== undefined && this.token !== '') headers['Authorization'] = `Bearer ${this.token}`
    else if (this.token === undefined) headers['X-Kith-Cookie'] = '1'
    if (this.csrf !== undefined) headers['X-Kith-CSRF'] = this.csrf
    let answer: Response
    let body: unknown
    try {
      answer = await this.env.fetch(`${this.url}/api/v1/${path}`, { method: 'POST', headers, body: content, credentials: 'same-origin', ...(signal !== undefined && { signal }) })
      body = await read(answer)
    } catch {
      throw new KithError('network', 'the server cannot be reached')
    }
    this.csrf = answer.headers.get('X-Kith-CSRF') ?? this.csrf
    if (answer.ok) return body
    const error = isObject(body) && isObject(body['error']) ? body['error'] : {}
    const retry = Number(answer.headers.get('Retry-After') ?? 0) * 1000
    throw new KithError(String(error['code'] ?? 'internal'), String(error['message'] ?? answer.statusText), retry)
  }
}
