/** All parts, by the names that choose them. */
import type { Part } from '../part.ts'
import { backendCalls } from './backend-calls.ts'
import { growth } from './growth.ts'
import { memory } from './memory.ts'
import { model } from './model.ts'
import { overhead } from './overhead.ts'
import { poll } from './poll.ts'
import { ray } from './ray.ts'
import { s3Model } from './s3-model.ts'
import { submission } from './submission.ts'
import { upload } from './upload.ts'
import { waiters } from './waiters.ts'

export const parts = {
  overhead,
  ray,
  upload,
  memory,
  's3-model': s3Model,
  poll,
  waiters,
  model,
  submission,
  'backend-calls': backendCalls,
  growth
} satisfies Record<string, Part>
