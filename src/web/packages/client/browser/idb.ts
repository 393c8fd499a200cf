import { openDB, type IDBPDatabase } from 'idb'
import { tables, type Store, type Table } from '../store'

export class IdbStore implements Store {
  private constructor(private readonly db: IDBPDatabase) {}

  static async open(name: string): Promise<IdbStore> {
    return new IdbStore(
      await openDB(name, 1, {
        upgrade(db) {
          for (const t of tables) db.createObjectStore(t)
        },
      }),
    )
  }
  get(table: Table, key: string): Promise<unknown> {
    return this.db.get(table, key)
  }
  async all(table: Table): Promise<[string, unknown][]> {
    const tx = this.db.transaction(table)
    const [keys, values] = await Promise.all([tx.store.getAllKeys(), tx.store.getAll()])
    return keys.map((k, i) => [String(k), values[i]])
  }
  async put(table: Table, key: string, value: unknown): Promise<void> {
    await this.db.put(table, value, key)
  }
  async del(table: Table, key: string): Promise<void> {
    await this.db.delete(table, key)
  }
  async clear(): Promise<void> {
    const tx = this.db.transaction([...tables], 'readwrite')
    await Promise.all([...tables.map((t) => tx.objectStore(t).clear()), tx.done])
  }
}
