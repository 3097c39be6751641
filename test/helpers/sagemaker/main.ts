/** The emulator for a person: starts it, and says what a client of it needs. */
import { parseArgs } from 'node:util'
import { prepareTestTools } from '../../../scripts/training.ts'
import { startS3 } from '../s3-server.ts'
import { type Knobs, startSageMaker } from './index.ts'
import { defaultKnobs } from './knobs.ts'

const usage = `Usage: main.ts [options]

Answers as Amazon SageMaker's training jobs and CloudWatch Logs do, on loopback, and runs each job by src/runtime as a
process of this machine, whatever its image is. Prints the variables that make AWS's SDKs and the SageMaker Python SDK
use it; ends with Ctrl-C, and its jobs with it.

  --port NUMBER        where it listens; any free port by default
  --s3-endpoint URL    an S3 server; without it moto's is started, with a bucket "emulator"
  --python FILE        an interpreter that has mlflow, for the jobs; python3 by default
  --knob NAME=VALUE    may be repeated; VALUE is JSON, or text. Their defaults are
${Object.entries(defaultKnobs())
  .map(([name, value]) => `                         ${name}=${JSON.stringify(value)}`)
  .join('\n')}
`

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    port: { type: 'string' },
    's3-endpoint': { type: 'string' },
    python: { type: 'string' },
    knob: { type: 'string', multiple: true }
  }
})
if (values.help) process.stdout.write(usage)
else await main()

async function main(): Promise<void> {
  process.env.TEST_TOOLS_PYTHON = await prepareTestTools(text => console.error(text))
  const s3 = await openS3(values['s3-endpoint'])
  const emulator = await startSageMaker({
    s3,
    knobs: readKnobs(values.knob ?? []),
    ...(values.python === undefined ? {} : { python: values.python }),
    ...(values.port === undefined ? {} : { port: Number(values.port) })
  })
  for (const [name, value] of Object.entries(emulator.environment))
    console.log(`export ${name}=${value}`)
  const stop = async () => {
    await emulator.stop()
    await s3.stop()
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop())
}

async function openS3(endpoint: string | undefined) {
  if (endpoint !== undefined) process.env.S3_TEST_ENDPOINT = endpoint
  const s3 = await startS3()
  if (endpoint === undefined) await s3.makeBucket('emulator')
  return s3
}

function readKnobs(given: string[]): Partial<Knobs> {
  const known = [...Object.keys(defaultKnobs()), 'unknownSecondaryStatus']
  const entries = given.map(text => {
    const [name = '', ...rest] = text.split('=')
    if (!known.includes(name))
      throw new Error(`There is no knob "${name}"; there are ${known.join(', ')}.`)
    return [name, readValue(rest.join('='))]
  })
  return Object.fromEntries(entries)
}

function readValue(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
