/** A storage that remembers names and times, and no bytes. */
import type { Storage, StoredObject } from '../../../src/server/storage/index.ts'

export function createMemoryStorage(): Storage & { keys(): string[] } {
  const objects = new Map<string, StoredObject>()
  return {
    name: 's3',
    keys: () => [...objects.keys()],
    async put(key) {
      objects.set(key, { sizeBytes: 1, etag: '"1"', modifiedAt: new Date() })
    },
    stat: async key => objects.get(key),
    async read() {
      throw new Error('There are no bytes.')
    },
    async *list(prefix) {
      for (const [key, { sizeBytes, modifiedAt }] of objects)
        if (key.startsWith(prefix)) yield { key, sizeBytes, modifiedAt }
    },
    async remove(key) {
      for (const one of objects.keys())
        if (one === key || (key.endsWith('/') && one.startsWith(key))) objects.delete(one)
    },
    uri: key => `memory://${key}`,
    temporaryUrl: async () => undefined,
    async check() {}
  }
}
