import type { Env } from './env'
import { KithError } from './error'
import type { Method, Params, Result } from './types'
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
    const headers: Record<string, string> = { 'Content-Type': 'application/msgpack' }
    if (this.token !== undefined && this.token !== '') headers['Authorization'] = `Bearer ${this.token}`
    else if (this.token === undefined) headers['X-Kith-Cookie'] = '1'
    if (this.csrf !== undefined) headers['X-Kith-CSRF'] = this.csrf
    let answer: Response
    let body: unknown
    try {
      answer = await this.env.fetch(`${this.url}/api/v1/${method}`, {
        method: 'POST',
        headers,
        body: pack(params),
        credentials: 'same-origin',
        ...(signal !== undefined && { signal }),
      })
      body = unpack(await answer.arrayBuffer())
    } catch {
      throw new KithError('network', 'the server cannot be reached')
    }
    this.csrf = answer.headers.get('X-Kith-CSRF') ?? this.csrf
    if (answer.ok) {
      if (isObject(body) && typeof body['csrf'] === 'string') this.csrf = body['csrf']
      return body as Result<M>
    }
    const error = isObject(body) && isObject(body['error']) ? body['error'] : {}
    const retry = Number(answer.headers.get('Retry-After') ?? 0) * 1000
    throw new KithError(String(error['code'] ?? 'internal'), String(error['message'] ?? answer.statusText), retry)
  }
}
