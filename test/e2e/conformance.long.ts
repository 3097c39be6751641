/** The two backends cannot be told apart through the API, but for what they say of themselves under "backend". */
import { rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Transition } from '../../src/server/jobs/job.ts'
import type { Job } from '../../src/server/routes/schemas.ts'
import {
  pack,
  packFolder,
  simpleProject,
  waitingProject,
  watchedProject
} from '../helpers/project.ts'
import { sagemakerService } from '../helpers/sagemaker-service.ts'
import { type TestService, testService } from '../helpers/service.ts'

const examples = join(import.meta.dirname, '../../examples')
const local = { run: { envManager: 'local' } }

const raising = {
  MLproject:
    'name: raising\nentry_points:\n  main:\n    parameters: {alpha: float}\n    command: python train.py {alpha}\n',
  'train.py': 'import sys\nfrom helper import check\ncheck(float(sys.argv[1]))\n',
  'helper.py': 'def check(alpha):\n    raise ValueError(f"bad alpha {alpha}")\n'
}

const printing = {
  MLproject:
    'entry_points:\n  main:\n    parameters: {text: string, rate: float}\n    command: python show.py {text} {rate}\n',
  'show.py':
    'import os, sys\nprint("text", repr(sys.argv[1]), "rate", sys.argv[2], "mode", os.environ["MODE"])\nprint("three\\n\\nlines")\n'
}

/** Members that tell of the moment, the machine or the backend. */
const passing =
  /^(at|createdAt|startedAt|endedAt|instance|sizeBytes|sha256|modelId|runId|id|parentId|experimentId|trackingUri|backend|seconds)$/

/** Each is done on both; what it answers must be the same. */
const scenarios: Record<string, (service: TestService) => Promise<unknown>> = {
  async 'an example that is trained'(service) {
    const project = await packFolder(join(examples, 'wine-quality'))
    const { id } = await service.submit({ project, parameters: { alpha: 0.5 }, ...local })
    return outcome(service, id)
  },

  async 'a program that raises'(service) {
    const { id } = await service.submit({
      project: await pack(raising),
      parameters: { alpha: 2 },
      name: 'raises',
      tags: { team: 'risk' }
    })
    return outcome(service, id)
  },

  async 'a job that is stopped in the middle keeps what it had logged'(service) {
    const { id } = await service.submit({ project: await pack(waitingProject) })
    await service.logged(id, 'waiting')
    const stop = await fetch(`${service.url}/jobs/${id}/stop`, { method: 'POST' })
    const again = await fetch(`${service.url}/jobs/${id}/stop`, { method: 'POST' })
    return { stop: stop.status, again: again.status, ...(await outcome(service, id)) }
  },

  async 'metrics while a job runs, and where they came from'(service) {
    const folder = dirname(service.dataDir)
    const project = await pack(watchedProject)
    const { id } = await service.submit({ project, parameters: { folder }, ...local })
    const metrics = async () => {
      const { body } = await answer(service, id, 'metrics')
      return (body as Pick<Job, 'metrics'>).metrics
    }
    let seen = await metrics()
    for (; !('loss' in seen); seen = await metrics()) await sleep(100)
    const { status, metrics: known } = await service.get(id)
    await writeFile(join(folder, id), '')
    const ended = await outcome(service, id)
    await rm(join(folder, id))
    const provenance = steady(await answer(service, id, 'provenance'), id)
    return { seen, status, known, ...ended, provenance }
  },

  async 'a job whose time is over has failed'(service) {
    const { id } = await service.submit({
      project: await pack(waitingProject),
      resources: { maxRuntimeSeconds: 5 }
    })
    const { status, failure, resources } = await service.ended(id)
    return { status, kind: failure?.kind, resources }
  },

  async 'texts, numbers and variables as they were given'(service) {
    const { id } = await service.submit({
      project: await pack(printing),
      parameters: '{"text": "a \\"b\\"\\n$(c) é -x", "rate": 1e-5}',
      environment: { MODE: 'fast and "loose"' }
    })
    const { log, job } = await outcome(service, id)
    // CloudWatch has no empty events, so empty lines are not among what is the same.
    return { job, shown: log.split('\n').filter(line => /^(text|three|lines)/.test(line)) }
  },

  async 'what is wrong with a submission, all at once'(service) {
    return refusal(service, {
      project: await pack(simpleProject),
      parameters: { aplha: 1, steps: 'many' },
      environment: { PATH: '/x' },
      inputs: { code: 's3://a/b' },
      tags: { 'a*': 'b' },
      run: { experimentNam: 'x' },
      resources: { maxRuntimeSeconds: 0 },
      naem: 'x'
    })
  },

  async 'a file that is no archive'(service) {
    return refusal(service, { project: new Blob(['no archive']) })
  }
}

t.test('two services, one for each backend', async t => {
  const services = { local: await testService(t), sagemaker: await sagemakerService(t) }
  for (const [title, scenario] of Object.entries(scenarios))
    await t.test(`${title}: the same answers`, t => compare(t, services, scenario))
})
async function compare(
  t: Test,
  services: Record<'local' | 'sagemaker', TestService>,
  scenario: (service: TestService) => Promise<unknown>
): Promise<void> {
  const [onLocal, onSagemaker] = await Promise.all([
    scenario(services.local),
    scenario(services.sagemaker)
  ])
  t.strictSame(onSagemaker, onLocal, `the same on both${whatOneHasAlone({ onSagemaker, onLocal })}`)
}

/** In the assertion's own line, where a report that is cut short still shows it. */
function whatOneHasAlone(answers: { onSagemaker: unknown; onLocal: unknown }): string {
  const linesOf = (answer: unknown) => JSON.stringify(answer, null, 1).split(/\n|\\n/)
  const [sagemaker, local] = [linesOf(answers.onSagemaker), linesOf(answers.onLocal)]
  const alone = [
    ...sagemaker.filter(line => !local.includes(line)).map(line => `sagemaker alone: ${line}`),
    ...local.filter(line => !sagemaker.includes(line)).map(line => `local alone: ${line}`)
  ]
  return alone.length === 0 ? '' : `; ${alone.slice(0, 25).join(' | ')}`
}

/** All that the API says of a job that has ended, without what differs from run to run. */
async function outcome(service: TestService, id: string) {
  const job = await service.ended(id)
  const model = await fetch(`${service.url}/jobs/${id}/model`, { headers: { range: 'bytes=0-1' } })
  const magic = Buffer.from(await model.arrayBuffer()).toString('hex')
  return {
    job: steady(job, id),
    metrics: steady(await answer(service, id, 'metrics'), id),
    files: steady(await answer(service, id, 'model/files'), id),
    model: { status: model.status, magic: model.status === 206 ? magic : '' },
    log: steadyText(await service.log(id), id)
  }
}

async function answer(service: TestService, id: string, path: string) {
  const response = await fetch(`${service.url}/jobs/${id}/${path}`)
  return { status: response.status, body: await response.json() }
}

async function refusal(service: TestService, fields: Record<string, unknown>) {
  const data = new FormData()
  for (const [name, value] of Object.entries(fields))
    data.append(
      name,
      value instanceof Blob || typeof value === 'string' ? value : JSON.stringify(value)
    )
  const response = await fetch(`${service.url}/jobs`, { method: 'POST', body: data })
  return { status: response.status, body: steady(await response.json(), '') }
}

function steady<Value>(value: Value, id: string) {
  return JSON.parse(JSON.stringify(value), (key, member: unknown) => {
    if (key === 'billableSeconds') return undefined
    // In the backends' own words, while a job runs.
    if (key === 'transitions')
      return (member as Transition[]).map(one => (one.status === 'running' ? one.status : one))
    if (passing.test(key) && member !== null) return `<${key}>`
    return typeof member === 'string' ? steadyText(member, id) : member
  }) as Value
}

function steadyText(text: string, id: string): string {
  return text
    .replaceAll(id || '\0', '<job>')
    .replace(/\bm-[0-9a-f]{32}\b/g, '<model>')
    .replace(/\b[0-9a-f]{32}\b/g, '<run>')
    .replace(/\d{4}[-/]\d\d[-/]\d\d[ T]\d\d:\d\d:\d\d[.,\d]*Z?/g, '<time>')
    .replace(/\/[^\s"']*\/ml\//g, '/opt/ml/')
    .replace(/\/[^\s"']*\/tmp\w+/g, '/tmp')
    .replace(/(View run )\S+/g, '$1<name>')
    .replace(/\d+(\.\d+)? (s|seconds)\b/g, '<seconds>')
}
