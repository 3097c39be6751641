/** npm run inject: texts that look like code, at every place of a submission, through the service and the real mlflow. */
import { parseArgs } from 'node:util'
import { inject } from '../test/helpers/inject/index.ts'
import { withTemporaryService } from './temporary-service.ts'

/** From behind a wall, a text that somebody runs could not leave its file. */
const unwalled = { LOCAL_SANDBOX: 'none' }

const usage = `npm run inject [-- --jobs 30] [--quick]

Sends texts for shells, Python, templates, SQL, YAML and headers as names and values of parameters,
environment variables, tags, options, entry points, folders, files, URIs, headers and addresses. What is
not legal at a place must be refused there; what is legal is carried to programs by real jobs, and must
come out as it was. Each text would leave a file if anybody ran it. --quick: fewer texts, 4 jobs.`

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '30' },
    quick: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' }
  }
})
const jobs = values.quick ? 4 : Number(values.jobs)
if (values.help) console.log(usage)
else if (!(jobs > 0)) throw new Error(usage)
else
  await withTemporaryService(async url => {
    const onProgress = (text: string) => console.log(`  ${text}`)
    const result = await inject({ url, jobs, short: values.quick, onProgress })
    const { payloads, refused, carried, executed, changed, broken } = result
    for (const fault of [...executed, ...changed, ...broken]) console.log(fault)
    console.log(`  ${refused} refused, ${carried} carried, ${broken.length} otherwise broken`)
    console.log(
      `inject: ${payloads} payloads, ${executed.length} executed, ${changed.length} changed`
    )
    process.exitCode = executed.length + changed.length + broken.length === 0 ? 0 : 1
  }, unwalled)
