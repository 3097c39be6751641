/** What a hundred times as many jobs in the store cost: each request, the start, the memory. */
import { join } from 'node:path'
import { alternate, timed } from '../alternate.ts'
import { type Figure, percentile } from '../figure.ts'
import { createdAt, fillStore } from '../fill-store.ts'
import type { BenchOptions, Part } from '../part.ts'
import { residentMiB } from '../process-usage.ts'
import { timeRequests } from '../requests.ts'
import { type ServiceProcess, startService } from '../service-process.ts'
import { doesNothing, postProject, writeProject } from '../submit.ts'

export const growth: Part = {
  about: 'requests, start and memory with 100,000 jobs in the store, against 1,000',
  async run(options) {
    const [few, many] = options.quick ? [100, 2000] : [1000, 100_000]
    const sides: Sides = {
      few: { dataDir: join(options.folder, 'few'), job: '', middle: createdAt(few / 2) },
      many: { dataDir: join(options.folder, 'many'), job: '', middle: createdAt(many / 2) }
    }
    options.say(`inserting ${few} and ${many} jobs`)
    sides.few.job = await fillStore(sides.few.dataDir, few)
    sides.many.job = await fillStore(sides.many.dataDir, many)
    const against = `the same with ${few} jobs`
    const starts = await compareStarts(options, sides)
    return [
      figure(`start with ${many} jobs`, 's', starts, against, 2),
      ...(await compareRequests(options, sides, many, against))
    ]
  }
}

/** `middle`: when half of the jobs were there. */
type Sides = Record<'few' | 'many', { dataDir: string; job: string; middle: string }>
type Values = Record<'few' | 'many', number[]>

function figure(
  what: string,
  unit: string,
  { few, many }: Values,
  against: string,
  atMost: number
): Figure {
  return { what, unit, ours: many, against: { what: against, values: few }, target: { atMost } }
}

/** No job is started: there is no interpreter that could run one. */
const start = (options: BenchOptions, dataDir: string) =>
  startService(dataDir, { ...options, python: '/nowhere/python' }, {}, '/healthz')

function compareStarts(options: BenchOptions, sides: Sides): Promise<Values> {
  const measure = async (dataDir: string) => {
    let service: ServiceProcess | undefined
    const seconds = await timed(async () => {
      service = await start(options, dataDir)
    })
    await service?.end()
    return seconds
  }
  return alternate(options, {
    few: () => measure(sides.few.dataDir),
    many: () => measure(sides.many.dataDir)
  })
}

const paths = [
  '/jobs',
  '/jobs?status=failed',
  '/jobs?status=running',
  '/jobs?status=queued&status=running',
  '/jobs?name=a%20job&status=running',
  '/jobs?tag=team:team-0',
  '/jobs?createdBefore=THEN',
  '/jobs/summary',
  '/jobs/ID',
  '/jobs/ID/metrics'
]

async function compareRequests(
  options: BenchOptions,
  sides: Sides,
  many: number,
  against: string
): Promise<Figure[]> {
  const { archive } = await writeProject(options.folder, doesNothing)
  const services = {
    few: await start(options, sides.few.dataDir),
    many: await start(options, sides.many.dataDir)
  }
  const count = options.quick ? 20 : 100
  const compare = (request: (side: keyof Sides) => Promise<Response>) => {
    const median = async (side: keyof Sides) =>
      percentile(await timeRequests(count, () => request(side)), 0.5)
    return alternate(
      { ...options, say: () => {} },
      {
        few: () => median('few'),
        many: () => median('many')
      }
    )
  }
  const get = (path: string) =>
    compare(side => {
      const { job, middle } = sides[side]
      return fetch(services[side].url + path.replace('ID', job).replace('THEN', middle))
    })
  try {
    const requests: [string, Values][] = []
    for (const path of paths) requests.push([`GET ${path}`, await get(path)])
    requests.push(['POST /jobs', await compare(side => postProject(services[side].url, archive))])
    const memory = {
      few: [await residentMiB(services.few.pid)],
      many: [await residentMiB(services.many.pid)]
    }
    return [
      {
        what: `a page of GET /jobs with ${many} jobs`,
        unit: 'ms',
        ours: requests[0]?.[1].many ?? [],
        target: { atMost: 10 }
      },
      ...requests.map(([name, values]) =>
        figure(`${name}, ${many} jobs`, 'ms', values, against, 1.5)
      ),
      figure(`memory with ${many} jobs`, 'MiB', memory, against, 1.5)
    ]
  } finally {
    await services.few.end()
    await services.many.end()
  }
}
