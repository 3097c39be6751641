/** What a store says of other services where there are none: this one leads for good, and nobody else changes anything. */
import type { Store } from './index.ts'

export const alone = (store: Pick<Store, 'save'>): Pick<Store, 'lead' | 'onChange'> => ({
  async lead(signal) {
    if (signal.aborted) return undefined
    return {
      over: new AbortController().signal,
      holds: () => true,
      save: store.save,
      end: async () => {}
    }
  },
  onChange() {}
})
