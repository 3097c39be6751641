/** What a job leaves that has ended well: a model of some size, the runtime's report of it, a log. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { create } from 'tar'
import { runReportFile } from '../../../src/contract/container.ts'
import { emptyReport } from '../../../src/contract/empty-report.ts'

export interface Outputs {
  model: string
  output: string
  log: string
  report: string
  /** Of the model's one file. */
  sha256: string
}

export const modelFile = 'weights.bin'
/** Does not shrink: it takes several reads. */
const modelBytes = 3 * 2 ** 20

export async function makeOutputs(folder: string): Promise<Outputs> {
  const [models, outputs] = [join(folder, 'model'), join(folder, 'output')]
  for (const each of [models, outputs]) await mkdir(each, { recursive: true })
  const bytes = randomBytes(modelBytes)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  await writeFile(join(models, modelFile), bytes)
  const files = [{ path: modelFile, sizeBytes: modelBytes, sha256 }]
  const report = { ...emptyReport(), exitCode: 0, metrics: { loss: 0.5 }, files }
  await writeFile(join(outputs, runReportFile), JSON.stringify(report))
  const made = {
    model: join(folder, 'model.tar.gz'),
    output: join(folder, 'output.tar.gz'),
    log: join(folder, 'log.txt'),
    report: join(outputs, runReportFile),
    sha256
  }
  await create({ cwd: models, file: made.model, gzip: true }, [`./${modelFile}`])
  await create({ cwd: outputs, file: made.output, gzip: true }, [`./${runReportFile}`])
  await writeFile(made.log, 'trained\n')
  return made
}
