// What is kept on the device: few tables of keyed values. The browser's is browser/idb.ts.

export type Table = 'state' | 'page' | 'outbox' | 'draft'
export const tables: readonly Table[] = ['state', 'page', 'outbox', 'draft']

export interface Store {
  get(table: Table, key: string): Promise<unknown>
  all(table: Table): Promise<[key: string, value: unknown][]>
  put(table: Table, key: string, value: unknown): Promise<void>
  del(table: Table, key: string): Promise<void>
  clear(): Promise<void>
}

export class MemoryStore implements Store {
  private readonly rows = new Map<string, unknown>()

  async get(table: Table, key: string): Promise<unknown> {
    return structuredClone(this.rows.get(`${table}/${key}`))
  }
  async all(table: Table): Promise<[string, unknown][]> {
    const head = table + '/'
    return [...this.rows]
      .filter(([k]) => k.startsWith(head))
      .map(([k, v]): [string, unknown] => [k.slice(head.length), structuredClone(v)])
      .sort(([a], [b]) => (a < b ? -1 : 1))
  }
  async put(table: Table, key: string, value: unknown): Promise<void> {
    this.rows.set(`${table}/${key}`, structuredClone(value))
  }
  async del(table: Table, key: string): Promise<void> {
    this.rows.delete(`${table}/${key}`)
  }
  async clear(): Promise<void> {
    this.rows.clear()
  }
}
