/** How long a program that does nothing takes from POST to succeeded, as a ratio to plain `mlflow run`. */
import { openAsBlob } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { create } from 'tar'
import type { Job } from '../src/server/routes/schemas.ts'
import { startService } from './service-process.ts'
import { summary } from './summary.ts'

export interface BenchOptions {
  python: string
  trackingUri: string
  rounds: number
  /** Of each archive, where several are uploaded at once. */
  sizeMiB: number
}

const target = 0.8

export async function overhead({ python, trackingUri, rounds }: BenchOptions): Promise<void> {
  console.log(`overhead: a program that does nothing, ${rounds} rounds, alternating`)
  const folder = await mkdtemp(join(tmpdir(), 'mlflow-jobs-bench-'))
  try {
    const { project, archive } = await makeProject(folder)
    const service = await startService(join(folder, 'data'), { python, trackingUri })
    try {
      const ours = () => timed(() => throughService(service.url, archive))
      const plain = () => timed(() => mlflowRun(python, project, folder, {}))
      const plainServer = () =>
        timed(() => mlflowRun(python, project, folder, { MLFLOW_TRACKING_URI: trackingUri }))
      await ours()
      await plain()
      const times: { ours: number; plain: number; plainServer: number }[] = []
      for (let round = 1; round <= rounds; round++) {
        times.push({ ours: await ours(), plain: await plain(), plainServer: await plainServer() })
        console.log(`  round ${round}: ${JSON.stringify(times.at(-1))} s`)
      }
      console.log(`  POST to succeeded            ${summary(times.map(t => t.ours))} s`)
      console.log(`  mlflow run                   ${summary(times.map(t => t.plain))} s`)
      console.log(`  mlflow run, same server      ${summary(times.map(t => t.plainServer))} s`)
      console.log(`  ratio to mlflow run          ${summary(times.map(t => t.ours / t.plain))}`)
      console.log(
        `  ratio, same tracking server  ${summary(times.map(t => t.ours / t.plainServer))}`
      )
      console.log(`  target: below ${target}`)
    } finally {
      await service.end()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function makeProject(folder: string) {
  const project = join(folder, 'project')
  await mkdir(project)
  await writeFile(
    join(project, 'MLproject'),
    'name: nothing\nentry_points:\n  main:\n    command: python -c pass\n'
  )
  const archive = join(folder, 'project.tar.gz')
  await create({ cwd: project, file: archive, gzip: true }, await readdir(project))
  return { project, archive }
}

/** The shell's way: the reference. */
async function mlflowRun(
  python: string,
  project: string,
  cwd: string,
  env: Record<string, string>
): Promise<void> {
  const bin = dirname(python)
  await execa(join(bin, 'mlflow'), ['run', '--env-manager', 'local', project], {
    cwd,
    env: { PATH: `${bin}:${process.env.PATH}`, HOME: cwd, ...env },
    extendEnv: false
  })
}

async function throughService(url: string, archive: string): Promise<void> {
  const form = new FormData()
  form.append('project', await openAsBlob(archive), 'project.tar.gz')
  const response = await fetch(`${url}/jobs`, { method: 'POST', body: form })
  if (response.status !== 202) throw new Error(await response.text())
  let job = (await response.json()) as Job
  while (!job.terminal) {
    await sleep(50)
    job = (await (await fetch(`${url}/jobs/${job.id}`)).json()) as Job
  }
  if (job.status !== 'succeeded') throw new Error(`the job ${job.status}: ${job.failure?.message}`)
}

async function timed(act: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await act()
  return Math.round(performance.now() - start) / 1000
}
