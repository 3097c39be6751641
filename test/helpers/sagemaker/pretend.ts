/** What a job leaves that only pretends to train. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { create } from 'tar'
import { runReportFile } from '../../../src/contract/container.ts'
import { emptyReport } from '../../../src/contract/empty-report.ts'
import { plainFailure } from '../../../src/contract/plain-failure.ts'
import type { RunReport } from '../../../src/contract/run-report.ts'

export interface Archives {
  model: Buffer
  output: Buffer
}

/** The same for every job of one outcome, so each is made once. */
export function createPretendedArchives(): (exitCode: number) => Promise<Archives> {
  const made = new Map<number, Promise<Archives>>()
  return exitCode => {
    const archives = made.get(exitCode) ?? makeArchives(exitCode)
    made.set(exitCode, archives)
    return archives
  }
}

async function makeArchives(exitCode: number): Promise<Archives> {
  const folder = await mkdtemp(join(tmpdir(), 'mlflow-jobs-pretend-'))
  try {
    const path = 'mlflow_run_artifacts/model/MLmodel'
    await mkdir(join(folder, 'model', 'mlflow_run_artifacts', 'model'), { recursive: true })
    await mkdir(join(folder, 'output'))
    await writeFile(join(folder, 'model', path), 'flavors: {}\n')
    await writeFile(join(folder, 'output', runReportFile), JSON.stringify(report(exitCode)))
    return {
      model: await pack(join(folder, 'model')),
      output: await pack(join(folder, 'output'))
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function pack(cwd: string): Promise<Buffer> {
  const file = `${cwd}.tar.gz`
  await create({ cwd, file, gzip: true }, ['.'])
  return readFile(file)
}

function report(exitCode: number): RunReport {
  const failure = exitCode === 0 ? null : plainFailure('stopped', 'The job was stopped.', exitCode)
  return { ...emptyReport(), metrics: { pretended: 1 }, failure, exitCode }
}
