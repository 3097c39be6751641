/** From POST to succeeded, for a program that does nothing, against plain `mlflow run`. */
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { alternate, timed } from '../alternate.ts'
import type { Figure } from '../figure.ts'
import type { BenchOptions, Part } from '../part.ts'
import { startService } from '../service-process.ts'
import { doesNothing, submit, until, writeProject } from '../submit.ts'

const several = 8
/** Until the next standby, which begins a while after a job, has imported MLflow: nothing else is measured meanwhile. */
const standbyMilliseconds = 7_000

export const overhead: Part = {
  about: `from POST to succeeded, one job and ${several} at once, against plain mlflow run`,
  async run(options) {
    const { folder, say } = options
    const { project, archive } = await writeProject(folder, doesNothing)
    const service = await startService(join(folder, 'data'), options, {
      LOCAL_SLOTS: '2',
      LOCAL_STANDBY: '1'
    })
    const withoutStandby = await startService(join(folder, 'cold'), options, {
      LOCAL_SLOTS: '2',
      LOCAL_STANDBY: '0'
    })
    const job = () => throughService(service.url, archive)
    const thenRest = async (seconds: number) => {
      await sleep(standbyMilliseconds)
      return seconds
    }
    const warm = async () => thenRest(await timed(job))
    const cold = () => throughService(withoutStandby.url, archive)
    const plain = () => mlflowRun(options, project, {})
    const sameServer = () =>
      mlflowRun(options, project, { MLFLOW_TRACKING_URI: options.trackingUri })
    try {
      await warm()
      await cold()
      await plain()
      const one = await alternate(options, {
        warm,
        cold: () => timed(cold),
        plain: () => timed(plain),
        sameServer: () => timed(sameServer)
      })
      say(`${several} at once`)
      const many = await alternate(options, {
        ours: async () => thenRest(await timed(() => atOnce(job))),
        plain: () => timed(() => atOnce(plain))
      })
      return figures(one, many)
    } finally {
      await Promise.all([service.end(), withoutStandby.end()])
    }
  }
}

function figures(
  one: Record<'warm' | 'cold' | 'plain' | 'sameServer', number[]>,
  many: Record<'ours' | 'plain', number[]>
): Figure[] {
  const unit = 's'
  return [
    {
      what: 'POST to succeeded, a standby waiting',
      unit,
      ours: one.warm,
      against: { what: 'mlflow run', values: one.plain },
      target: { atMost: 0.1 }
    },
    {
      what: 'POST to succeeded, without a standby',
      unit,
      ours: one.cold,
      against: { what: 'mlflow run', values: one.plain },
      target: { atMost: 0.7 }
    },
    {
      what: 'POST to succeeded, without a standby, the same tracking server',
      unit,
      ours: one.cold,
      against: { what: 'mlflow run with that server', values: one.sameServer }
    },
    {
      what: `${several} jobs at once`,
      unit,
      ours: many.ours,
      against: { what: `${several} mlflow run at once`, values: many.plain },
      target: { atMost: 0.5 }
    }
  ]
}

const atOnce = (act: () => Promise<void>) => Promise.all(Array.from({ length: several }, act))

/** The shell's way: the reference. */
async function mlflowRun(
  { python, folder }: BenchOptions,
  project: string,
  env: Record<string, string>
): Promise<void> {
  const bin = dirname(python)
  await execa(join(bin, 'mlflow'), ['run', '--env-manager', 'local', project], {
    cwd: folder,
    env: { PATH: `${bin}:${process.env.PATH}`, HOME: folder, ...env },
    extendEnv: false
  })
}

async function throughService(url: string, archive: string): Promise<void> {
  const { id } = await submit(url, archive)
  await until(url, id, job => job.status === 'succeeded')
}
