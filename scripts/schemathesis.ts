/** npm run schemathesis: requests of all kinds, made up from /openapi.json, against the running service. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { execa } from 'execa'
import { preparePython } from '../src/server/backends/local/python.ts'
import { readConfig } from '../src/server/config.ts'
import type { Job } from '../src/server/routes/schemas.ts'
import { form, packFolder } from '../test/helpers/project.ts'
import { withTemporaryService } from './temporary-service.ts'
import { cacheFolder } from './training.ts'

const usage = `npm run schemathesis [-- --quick] [--seed 1] [--examples 1500]

Runs all checks of schemathesis, stateful ones included, against the service with the local backend:
no answer may be a server error, none may differ from what the document says. --examples is how many
requests are made up of each operation, and as many again by what answers lead to; --quick is for CI.
The same seed makes up the same requests.`

const tests = join(import.meta.dirname, '..', 'test')
const folder = join(tests, 'schemathesis')

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    seed: { type: 'string', default: '1' },
    examples: { type: 'string' },
    help: { type: 'boolean', short: 'h' }
  }
})

if (values.help) console.log(usage)
else {
  const bin = await prepareSchemathesis()
  process.exitCode = await withTemporaryService(async url =>
    schemathesis(bin, url, await runJob(url))
  )
}

async function prepareSchemathesis(): Promise<string> {
  const { buildEnvironment, jobEnvironment } = readConfig(process.env)
  const { bin } = await preparePython({
    folder: join(cacheFolder, 'schemathesis'),
    requirements: join(folder, 'requirements.txt'),
    environment: { ...jobEnvironment, ...buildEnvironment },
    onProgress: text => console.log(`  schemathesis: ${text}`)
  })
  return bin
}

/** So that there are a job with all that a job leaves, and a project. */
async function runJob(url: string): Promise<Job> {
  const body = form({
    project: await packFolder(join(tests, 'clients', 'project')),
    parameters: { alpha: 0.5 }
  })
  const submitted = await fetch(`${url}/jobs`, { method: 'POST', body })
  const { id } = (await submitted.json()) as Job
  await (await fetch(`${url}/jobs/${id}/logs?follow=true`)).text()
  return (await (await fetch(`${url}/jobs/${id}`)).json()) as Job
}

async function schemathesis(bin: string, url: string, job: Job): Promise<number> {
  // It keeps what it found where it runs.
  const work = await mkdtemp(join(tmpdir(), 'mlflow-jobs-schemathesis-'))
  const { exitCode = 1 } = await execa(
    join(bin, 'schemathesis'),
    [
      ...['--config-file', join(folder, 'schemathesis.toml'), 'run', `${url}/openapi.json`],
      ...['--checks=all', '--continue-on-failure', '--request-timeout=30'],
      ...[`--seed=${values.seed}`, '--generation-database=none'],
      `--max-examples=${values.examples ?? (values.quick ? 20 : 1500)}`
    ],
    {
      cwd: work,
      env: {
        PYTHONPATH: folder,
        PYTHONDONTWRITEBYTECODE: '1',
        SCHEMATHESIS_HOOKS: 'hooks',
        SEEDED_JOB: job.id,
        SEEDED_PROJECT: job.project.digest,
        SEEDED_FILE: 'mlflow_run_artifacts/notes.txt'
      },
      stdio: 'inherit',
      reject: false
    }
  )
  await rm(work, { recursive: true, force: true })
  return exitCode
}
