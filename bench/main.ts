/** npm run bench: figures as ratios, measured side by side in one run. Names select parts. */
import { parseArgs } from 'node:util'
import { withTraining } from '../scripts/training.ts'
import { overhead } from './overhead.ts'
import { s3Memory } from './s3-memory.ts'
import { uploadMemory } from './upload-memory.ts'

const usage = `npm run bench [-- NAME...] [--rounds N] [--size MIB]

  overhead        from POST to succeeded, for a program that does nothing, against plain mlflow run
  upload-memory   the service's memory while a project of 1 GiB is uploaded, as .tar.gz and as .zip
  s3-memory       the same with STORAGE=s3: 16 uploads at once of MIB each (64), and a model of 1 GiB downloaded;
                  the store is versitygw where it is on PATH, else moto

Without a name, all of them.`

const parts = { overhead, 'upload-memory': uploadMemory, 's3-memory': s3Memory }

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    size: { type: 'string', default: '64' },
    help: { type: 'boolean', short: 'h' }
  }
})
const names = positionals.length > 0 ? positionals : Object.keys(parts)
const unknown = names.filter(name => !(name in parts))
if (values.help) console.log(usage)
else if (unknown.length > 0) {
  console.error(`There is no part "${unknown.join('", "')}".\n\n${usage}`)
  process.exitCode = 2
} else
  await withTraining(async training => {
    for (const name of names)
      await parts[name as keyof typeof parts]({
        ...training,
        rounds: Number(values.rounds),
        sizeMiB: Number(values.size)
      })
  })
