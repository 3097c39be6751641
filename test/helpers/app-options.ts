/** What an app needs besides jobs and their places, with bounds that no test comes near. */
import { createDisk } from '../../src/server/disk.ts'
import { createMetrics } from '../../src/server/metrics/index.ts'
import { createPlaces } from '../../src/server/places.ts'
import { noTenantLimits } from '../../src/server/tenant-limits.ts'

export const appOptions = (dataDir: string) => ({
  places: createPlaces({ uploads: 99, downloads: 99, waiters: 2000, followers: 999 }),
  disk: createDisk(dataDir, 0),
  metrics: createMetrics(),
  stopping: new AbortController().signal,
  slowMilliseconds: 60_000,
  limitsOf: () => noTenantLimits,
  isolation: 'none' as const,
  unauthenticatedPerMinute: Number.MAX_SAFE_INTEGER,
  trustedProxies: undefined,
  onlyLocal: true,
  corsOrigins: [],
  logger: false
})
