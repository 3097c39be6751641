/** How many calls to AWS a thousand jobs cost while clients ask the service for them ten thousand times. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pMap from 'p-map'
import { prepareTestTools } from '../../scripts/training.ts'
import { startBottomlessS3 } from '../../test/helpers/bottomless-s3.ts'
import { type SageMakerEmulator, startSageMaker } from '../../test/helpers/sagemaker/index.ts'
import { sagemakerEnvironment } from '../../test/helpers/sagemaker-service.ts'
import { digits } from '../figure.ts'
import type { Part } from '../part.ts'
import { startService } from '../service-process.ts'
import { doesNothing, readJob, submitBatch, writeProject } from '../submit.ts'

const pollSeconds = 1

export const backendCalls: Part = {
  about:
    'calls to AWS for 1,000 jobs and 10,000 polls, against one List an interval and one Describe a change',
  async run(options) {
    const [jobs, polls] = options.quick ? [50, 500] : [1000, 10_000]
    process.env.TEST_TOOLS_PYTHON ??= await prepareTestTools(options.say)
    const s3 = await startBottomlessS3()
    await s3.makeBucket(sagemakerEnvironment.S3_BUCKET)
    const emulator = await startSageMaker({
      s3,
      python: options.python,
      knobs: { run: 'pretend', pretendMilliseconds: 3_600_000, startMilliseconds: 1000 }
    })
    const dataDir = join(options.folder, 'data')
    await mkdir(dataDir)
    const service = await startService(dataDir, options, {
      ...emulator.environment,
      ...sagemakerEnvironment,
      SAGEMAKER_POLL_SECONDS: `${pollSeconds}`
    })
    try {
      const { archive } = await writeProject(options.folder, doesNothing)
      const started = performance.now()
      const ids = await submitBatch(service.url, archive, jobs)
      for (const id of ids)
        while ((await readJob(service.url, id)).backend.status !== 'Training') await sleep(200)
      await pMap(Array(polls).keys(), n => readJob(service.url, ids[n % jobs] ?? ''), {
        concurrency: 16
      })
      const seconds = (performance.now() - started) / 1000
      const least = seconds / pollSeconds + countChanges(emulator)
      options.say(
        `${emulator.count('ListTrainingJobs')} lists and ${emulator.count('DescribeTrainingJob')} looks in ${digits(seconds)} s`
      )
      return [
        {
          what: `calls for ${jobs} jobs and ${polls} polls`,
          unit: 'calls',
          ours: [count(emulator)],
          against: { what: 'a List an interval, a Describe a change', values: [least] },
          target: { atMost: 1.1 }
        }
      ]
    } finally {
      await service.end()
      await emulator.stop()
      await s3.stop()
    }
  }
}

const count = ({ calls }: SageMakerEmulator) =>
  calls.filter(({ operation }) => /^(List|Describe)TrainingJobs?$/.test(operation)).length

/** How often a job of the emulator's came to another secondary status. */
const countChanges = ({ jobs }: SageMakerEmulator) =>
  [...jobs.values()].reduce(
    (sum, { description }) => sum + description.SecondaryStatusTransitions.length,
    0
  )
