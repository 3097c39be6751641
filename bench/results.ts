/** What was measured, kept as JSON with all that it depends on, and the page that is made of it. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import type { Figure } from './figure.ts'
import type { BenchOptions } from './part.ts'
import { writePage } from './write-page.ts'

export interface Results {
  part: string
  measuredAt: string
  /** With `+` where the tree had changes. */
  commit: string
  machine: { processor: string; cores: number; memoryGiB: number; linux: string }
  versions: Record<string, string>
  rounds: number
  figures: Figure[]
}

export const resultsFolder = join(import.meta.dirname, 'results')

export async function saveResults(
  part: string,
  figures: Figure[],
  { rounds, python }: Pick<BenchOptions, 'rounds' | 'python'>
): Promise<void> {
  const results: Results = {
    part,
    measuredAt: new Date().toISOString(),
    commit: await commit(),
    machine: {
      processor: cpus()[0]?.model.trim() ?? 'unknown',
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      linux: release()
    },
    versions: await versions(python),
    rounds,
    figures
  }
  await mkdir(resultsFolder, { recursive: true })
  await writeFile(join(resultsFolder, `${part}.json`), `${JSON.stringify(results, null, 2)}\n`)
  await writePage(await readResults())
}

export async function readResults(): Promise<Results[]> {
  const names = (await readdir(resultsFolder)).filter(name => name.endsWith('.json')).toSorted()
  return Promise.all(
    names.map(async name => JSON.parse(await readFile(join(resultsFolder, name), 'utf8')))
  )
}

async function commit(): Promise<string> {
  const { stdout: id } = await execa('git', ['rev-parse', '--short', 'HEAD'])
  const { stdout: changes } = await execa('git', ['status', '--porcelain', '--', 'src'])
  return changes ? `${id}+` : id
}

async function versions(python: string): Promise<Record<string, string>> {
  const script =
    'import mlflow, platform; print(mlflow.__version__); print(platform.python_version())'
  const { stdout } = await execa(python, ['-c', script])
  const [mlflow = '', ofPython = ''] = stdout.trim().split('\n')
  return { node: process.versions.node, mlflow, python: ofPython }
}
