/** The service with BACKEND=sagemaker is killed again and again over an unkind SageMaker; nothing may be lost, doubled or stuck. */
import { parseArgs } from 'node:util'
import { chaosSagemaker } from '../test/helpers/chaos-sagemaker.ts'
import { prepareTestTools } from './training.ts'

const usage = `npm run chaos:sagemaker [-- --kills 10] [--jobs 200] [--quota 5]
    [--throttle 0.3] [--fail 0.02] [--lost 0.05] [--without-input 0.05] [--seed 1]
    [--database postgres --replicas 2]

Jobs run under a quota of so many instances, on an emulated SageMaker that throttles calls, fails (500
and 503, before its work or after it) and loses answers of CreateTrainingJob with these probabilities,
while the service is killed (-9) and started again; a share of them has an input that is not there.
With a PostgreSQL, which must be installed, so many services share it, and each kill is another's.
Then checks that every other job was trained once and ended well, and prints the calls to AWS.`

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '10' },
    jobs: { type: 'string', default: '200' },
    quota: { type: 'string', default: '5' },
    throttle: { type: 'string', default: '0.3' },
    fail: { type: 'string', default: '0.02' },
    lost: { type: 'string', default: '0.05' },
    'without-input': { type: 'string', default: '0.05' },
    seed: { type: 'string', default: '1' },
    database: { type: 'string', default: 'sqlite' },
    replicas: { type: 'string', default: '2' },
    help: { type: 'boolean', short: 'h' }
  }
})

if (values.help) console.log(usage)
else {
  const number = (text: string) => {
    if (Number.isNaN(Number(text))) throw new Error(usage)
    return Number(text)
  }
  process.env.TEST_TOOLS_PYTHON = await prepareTestTools(text => console.log(`  ${text}`))
  const startedAt = Date.now()
  const { lost, doubled, stuck, broken, ...result } = await chaosSagemaker({
    kills: number(values.kills),
    jobs: number(values.jobs),
    quota: number(values.quota),
    throttle: number(values.throttle),
    fail: number(values.fail),
    lostAnswers: number(values.lost),
    withoutInput: number(values['without-input']),
    seed: number(values.seed),
    replicas: values.database === 'postgres' ? number(values.replicas) : 0,
    onProgress: text => console.log(`  ${text}`)
  })
  for (const line of [...lost, ...doubled, ...stuck, ...broken, ...result.calls]) console.log(line)
  console.log(
    `chaos: ${values.kills} kills, ${result.acknowledged} acknowledged, ${result.known} known, ${lost.length} lost, ${doubled.length} doubled, ${stuck.length} stuck, ${broken.length} otherwise broken, ${Math.round((Date.now() - startedAt) / 1000)} s`
  )
  process.exitCode = lost.length + doubled.length + stuck.length + broken.length === 0 ? 0 : 1
}
