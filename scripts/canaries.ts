/** npm run canaries: secrets planted wherever one may go, and looked for wherever one might come out. */
import { parseArgs } from 'node:util'
import { local } from '../test/helpers/canaries/local.ts'
import { play } from '../test/helpers/canaries/play.ts'
import { sagemaker } from '../test/helpers/canaries/sagemaker.ts'
import { imagePython } from '../test/helpers/image-python.ts'
import { cacheFolder, prepareTestTools, prepareTraining } from './training.ts'

const usage = `npm run canaries [-- --backend local|sagemaker]

Starts a service with secrets in its configuration, sends it jobs that have secrets in every way in which
a job may have one, whose programs print them whole and in pieces and fail with them, submissions with
secrets that are refused, and wrong keys. Then looks for each secret, and for pieces of it, in every answer
and its headers, in the service's own output, in logs, metrics, models, the MLflow store, the data folder
and the command lines of processes; with sagemaker also in S3 and in the requests to SageMaker. What is
there as docs/secrets.md says is not counted.`

const { values } = parseArgs({
  options: {
    backend: { type: 'string', default: 'local' },
    help: { type: 'boolean', short: 'h' }
  }
})
const { backend } = values
if (values.help) console.log(usage)
else if (backend !== 'local' && backend !== 'sagemaker') throw new Error(usage)
else {
  const progress = (text: string) => console.log(`  ${text}`)
  const { python } = await prepareTraining(cacheFolder, progress)
  if (backend === 'sagemaker') process.env.TEST_TOOLS_PYTHON = await prepareTestTools(progress)
  const scene = backend === 'local' ? local(python) : sagemaker(await imagePython())
  const started = performance.now()
  const { canaries, broken } = await play(python, scene)
  const { bytes, places } = canaries.searched()
  const found = canaries.found()
  for (const fault of [...broken.map(each => `broken: ${each}`), ...found]) console.log(fault)
  console.log(`  it took ${Math.round((performance.now() - started) / 1000)} s`)
  console.log(
    `canaries: ${canaries.count()} planted, ${bytes} bytes searched in ${places} places, ${found.length} found`
  )
  const shown = canaries.count() > 0 && places > 0 && bytes > 0
  process.exitCode = shown && broken.length + found.length === 0 ? 0 : 1
}
