// An error of the API (src/client/API.md lists the codes), or of the way there: `network`.
export class KithError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly retryMs = 0,
  ) {
    super(message)
    this.name = 'KithError'
  }
}

// Will the same request perhaps work later, without anyone doing anything?
export function isPassing(e: unknown): boolean {
  return e instanceof KithError && ['network', 'rate_limit', 'unreachable', 'busy', 'storage_full', 'internal'].includes(e.code)
}
