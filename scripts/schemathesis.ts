/** npm run schemathesis: requests of all kinds, made up from /openapi.json, against the running service. */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { execa } from 'execa'
import { preparePython } from '../src/server/backends/local/python.ts'
import { readConfig } from '../src/server/config.ts'
import { withTemporaryService } from './temporary-service.ts'
import { cacheFolder } from './training.ts'

const usage = `npm run schemathesis [-- --quick] [--seed 1] [--examples 100]

Runs all checks of schemathesis, stateful ones included, against the service with the local backend:
no answer may be a server error, none may differ from what the document says. --quick is for CI;
--examples is how many requests of a kind are made up. The same seed makes up the same requests.`

const folder = join(import.meta.dirname, '..', 'test', 'schemathesis')

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
  process.exitCode = await withTemporaryService(url => schemathesis(bin, url))
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

async function schemathesis(bin: string, url: string): Promise<number> {
  const { exitCode = 1 } = await execa(
    join(bin, 'schemathesis'),
    [
      ...['run', `${url}/openapi.json`, '--checks=all', '--continue-on-failure'],
      ...[
        `--seed=${values.seed}`,
        `--max-examples=${values.examples ?? (values.quick ? 20 : 1000)}`
      ],
      ...['--request-timeout=30', '--generation-database=none']
    ],
    {
      cwd: folder,
      env: { PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: '1', SCHEMATHESIS_HOOKS: 'hooks' },
      stdio: 'inherit',
      reject: false
    }
  )
  return exitCode
}
