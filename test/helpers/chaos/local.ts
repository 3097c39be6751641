/** Jobs on this machine, by the real mlflow; SQLite and a folder. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { makeKillable } from '../killable.ts'
import { pack } from '../project.ts'
import { leftInFolder, leftInSqlite } from './left.ts'
import { crashPoints, type Stage, type StageOptions } from './stage.ts'

const lines = 100
const variants = 3

/** The program leaves a mark each time it runs, a log whose every line is known, and a model. */
const program = `import os, sys, time
with open(sys.argv[1], "a") as file:
    file.write(os.environ["TRAINING_JOB_NAME"] + "\\n")
with open(os.path.join(os.environ["SM_MODEL_DIR"], "weights"), "w") as file:
    file.write("weights")
for line in range(${lines}):
    print("line", line, flush=True)
    time.sleep(0.005)
`

export async function localStage(options: StageOptions): Promise<Stage> {
  const { folder, output, python, trackingUri } = options
  const data = join(folder, 'data')
  const marks = join(folder, 'marks')
  const service = await makeKillable(
    {
      DATA_DIR: data,
      PYTHON: python,
      MLFLOW_TRACKING_URI: trackingUri,
      LOCAL_SLOTS: '2',
      // The marks are made from within the sandbox.
      LOCAL_WRITABLE: folder,
      KEEP_PROJECT_SECONDS: '1'
    },
    { output, imports: [crashPoints] }
  )
  let projects = 0
  return {
    services: [service],
    patient: 3,
    hasty: 2,
    parameters: { marks },

    project: own =>
      pack({
        MLproject:
          'entry_points:\n  main:\n    parameters:\n      marks: string\n    command: python mark.py {marks}\n',
        'mark.py': `# ${own ?? `variant ${projects++ % variants}`}\n${program}`
      }),

    async runs() {
      const ids = (await readFile(marks, 'utf8').catch(() => '')).split('\n').filter(Boolean)
      return new Map([...Map.groupBy(ids, id => id)].map(([id, all]) => [id, all.length]))
    },

    checkLog({ id, status }, log) {
      const printed = log.split('\n').filter(line => /^line \d+$/.test(line))
      const isWhole = printed.every((line, n) => line === `line ${n}`)
      const isLong = printed.length === lines || status !== 'succeeded'
      return isWhole && isLong
        ? []
        : [`${id} is ${status}: its log has ${printed.length} of ${lines} lines`]
    },

    async leftovers({ promised }) {
      const kept = new Set([...promised.values()].filter(job => !job.deleted).map(({ id }) => id))
      const folders = await readdir(join(data, 'jobs')).catch(() => [])
      return [
        ...(await leftInFolder(data)),
        ...folders.filter(id => !kept.has(id)).map(id => `jobs/${id} is left over`),
        ...leftInSqlite(data),
        ...(await leftProcesses(folder))
      ]
    },

    close: () => service.end()
  }
}

async function leftProcesses(folder: string): Promise<string[]> {
  const { stdout } = await execa('ps', ['-axo', 'args'])
  return stdout
    .split('\n')
    .filter(line => line.includes(folder))
    .map(line => `a process is left over: ${line}`)
}
