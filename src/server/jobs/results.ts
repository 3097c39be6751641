/** What jobs leave behind. */
import type { ModelFile, RunReport } from '../../contract/run-report.ts'
import type { Backend } from '../backends/index.ts'
import { ModelFileNotFound, ModelNotFound, ModelNotReady } from '../errors.ts'
import { listedFiles } from '../models/index.ts'
import { modelKey, reportKey, type Storage, type StoredObject } from '../storage/index.ts'
import { isTerminal, type JobRecord } from './job.ts'
import { openLiveLog } from './open-live-log.ts'
import { readWhole } from './read-whole.ts'

/** Every method throws JOB_NOT_FOUND. */
export interface Results {
  /** The last values while the job runs; with their history and those of child runs when it has ended. */
  metrics(id: string): Promise<Pick<RunReport, 'metrics' | 'metricHistory' | 'childRuns'>>
  /** undefined as long as there is none. */
  report(id: string): Promise<RunReport | undefined>
  /** Throws MODEL_NOT_READY or MODEL_NOT_FOUND, as all below do. */
  model(id: string): Promise<Model>
  /** Also the files that its run report lists; none where there is no report. */
  modelFiles(id: string): Promise<Model & { files: ModelFile[] }>
  /** Also throws MODEL_FILE_NOT_FOUND. */
  modelFile(id: string, path: string): Promise<Model & { file: ModelFile }>
}

/** model.tar.gz in the storage. */
export interface Model {
  key: string
  object: StoredObject
}

interface ResultsOptions {
  get(id: string): Promise<JobRecord>
  storage: Storage
  backend: Backend
}

export function createResults({ get, storage, backend }: ResultsOptions): Results {
  async function readReport(id: string): Promise<RunReport | undefined> {
    if (!(await storage.stat(reportKey(id)))) return undefined
    const text = await readWhole(storage, reportKey(id), 'the run report')
    return JSON.parse(text.toString('utf8'))
  }

  async function model(id: string): Promise<Model> {
    const job = await get(id)
    if (!isTerminal(job.status)) throw new ModelNotReady(id, job.status)
    const object = await storage.stat(modelKey(id))
    if (!object) throw new ModelNotFound(id)
    return { key: modelKey(id), object }
  }

  async function modelFiles(id: string): Promise<Model & { files: ModelFile[] }> {
    const found = await model(id)
    const report = await readReport(id)
    return { ...found, files: listedFiles(report?.files ?? []) }
  }

  return {
    model,
    modelFiles,

    async metrics(id) {
      const job = await get(id)
      const last = { metrics: job.metrics, metricHistory: {}, childRuns: [] }
      if (isTerminal(job.status)) return (await readReport(id)) ?? last
      // SageMaker's metrics come with the log, which is read as long as somebody asks for it.
      const log = await openLiveLog(backend, id)
      await log?.close()
      return last
    },

    async report(id) {
      await get(id)
      return readReport(id)
    },

    async modelFile(id, path) {
      const { files, ...found } = await modelFiles(id)
      const file = files.find(each => each.path === path)
      if (!file) throw new ModelFileNotFound(id, path, id)
      return { ...found, file }
    }
  }
}
