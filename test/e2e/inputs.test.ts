/** Data of the service's machine reaches a local job as SageMaker gives it: a folder a channel. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { testFolder } from '../helpers/folder.ts'
import { pack } from '../helpers/project.ts'
import { testService } from '../helpers/service.ts'

const reading = {
  MLproject: 'name: reading\nentry_points:\n  main:\n    command: python read.py\n',
  'read.py': `import json, os
print("channels", json.loads(os.environ["SM_CHANNELS"]))
for channel in ("TRAIN", "VALIDATION"):
    folder = os.environ["SM_CHANNEL_" + channel]
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name)) as file:
            print(channel, os.path.basename(folder), name, file.read())
`
}

t.test(
  'a job reads the files and folders of its channels, and leaves them as they are',
  async t => {
    const root = testFolder(t)
    const data = join(root, 'data')
    await mkdir(join(data, 'train'), { recursive: true })
    await writeFile(join(data, 'train', 'a.csv'), '1')
    await writeFile(join(data, 'train', 'b.csv'), '2')
    await writeFile(join(data, 'check.csv'), '3')
    const { submit, ended, log } = await testService(t, {
      DATA_DIR: join(root, 'service'),
      INPUT_ROOTS: data
    })

    const { id, inputs } = await submit({
      project: await pack(reading),
      inputs: { train: `file://${data}/train/`, validation: `file://${data}/check.csv` }
    })
    const job = await ended(id)

    t.equal(job.status, 'succeeded', await log(id))
    t.strictSame(inputs, {
      train: `file://${data}/train/`,
      validation: `file://${data}/check.csv`
    })
    const text = await log(id)
    for (const line of [
      "channels ['code', 'train', 'validation']",
      'TRAIN train a.csv 1',
      'TRAIN train b.csv 2',
      'VALIDATION validation check.csv 3'
    ])
      t.match(text, line)
    t.equal(await readFile(join(data, 'train', 'a.csv'), 'utf8'), '1', 'when the job is removed')
  }
)
