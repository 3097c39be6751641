/** A submission becomes a job: everything that a caller can know is checked first, all faults at once. */
import { rm } from 'node:fs/promises'
import { monotonicFactory } from 'ulid'
import { readCodeHints } from '../../contract/code-hints.ts'
import type { Fault } from '../../contract/fault.ts'
import { checkSubmission, type Project, readProject } from '../../contract/mlproject.ts'
import { SubmissionInvalid } from '../errors.ts'
import {
  type InspectedProject,
  inspectArchive,
  type ProjectLimits,
  type SpooledFile
} from '../projects/index.ts'
import { projectKey, type Storage } from '../storage/index.ts'
import type { Store } from '../store/index.ts'
import { checkFields, type Fields } from './check-fields.ts'
import type { JobRecord } from './job.ts'
