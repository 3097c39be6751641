/** The log as the backend has it; undefined when it has none. Throws STORAGE_UNAVAILABLE where it cannot be opened now. */
import type { Backend, LogSource } from '../backends/index.ts'
import { StorageUnavailable } from '../errors.ts'

export const openLiveLog = (backend: Backend, id: string): Promise<LogSource | undefined> =>
  backend.log(id).catch(cause => {
    throw new StorageUnavailable(`The log of job '${id}' cannot be opened now.`, { cause })
  })
