/** What a job may use, over programs that take more. The shell stands for the runtime; its programs have groups of their own. */
import { mkdir, readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import t, { type Test } from 'tap'
import { list } from 'tar'
import {
  jobFolder,
  makeFolders,
  writeJson
} from '../../../../src/server/backends/local/job-folder.ts'
import type { JobLimits } from '../../../../src/server/backends/local/limits.ts'
import { observeJob } from '../../../../src/server/backends/local/observe-job.ts'
import { testFolder } from '../../../helpers/folder.ts'

const main = join(import.meta.dirname, '../../../../src/server/backends/local/supervise.ts')
const linux = process.platform === 'linux' ? {} : { skip: 'only Linux tells' }
const mebibyte = 1024 ** 2

const generous: JobLimits = {
  memoryMb: 4096,
  memorySetting: 'resources.memoryMb',
  processes: 1000,
  logBytes: 100 * mebibyte,
  freeBytes: 0
}

interface RunOptions {
  path?: string
  limits: Partial<JobLimits>
}

/** `program` is a shell's text, run as the runtime; `"$NODE"` is node and `"$PYTHON"` python. */
async function run(t: Test, program: string, { path = testFolder(t), limits }: RunOptions) {
  const folder = jobFolder(path)
  await makeFolders(folder)
  await writeJson(folder.job, {
    command: '/bin/sh',
    arguments: ['-c', program],
    environment: { PATH: process.env.PATH, NODE: process.execPath, PYTHON: process.env.PYTHON },
    stopGraceSeconds: 30,
    limits: { ...generous, ...limits }
  })
  await execa(process.execPath, [main, folder.path])
  const report = async () => undefined
  const observation = await observeJob('job-a', folder, { supervised: false, report })
  return { folder, observation, log: await readFile(folder.log, 'utf8') }
}

const failure = (kind: string, message: string) => ({
  state: 'ended',
  status: 'Failed',
  stopped: false,
  certain: true,
  failure: { kind, message }
})

const ofMemory = failure(
  'user',
  'The job used more than its 300 MiB of memory (resources.memoryMb).'
)

/** A program that takes so many MiB and keeps them. */
const take = (megabytes: number) =>
  `"$NODE" -e 'const kept = Buffer.alloc(${megabytes} * 2 ** 20, 1); console.log("took"); setInterval(() => kept, 1000)'`

t.test(
  'memory: a program that takes too much is ended, its runtime ends by itself',
  linux,
  async t => {
    const program = `setsid sh -c '"$0" -e "const kept = Buffer.alloc(600 * 2 ** 20, 1); setInterval(() => kept, 1000)"' "$NODE"; code=$?; echo saved > model/late; exit $code`

    const { folder, observation, log } = await run(t, program, { limits: { memoryMb: 300 } })

    t.match(observation, { ...ofMemory, exitCode: 137 })
    t.match(log, /^mlflow-jobs: The job used more than its 300 MiB/m)
    const names: string[] = []
    await list({ file: folder.modelArchive, onReadEntry: entry => names.push(entry.path) })
    t.same(names, ['./late'])
  }
)

t.test('memory: what all processes hold together counts', linux, async t => {
  const each = take(120)

  const { observation } = await run(t, `${each} & ${each} & ${each} & wait; exit 1`, {
    limits: { memoryMb: 300 }
  })

  t.match(observation, ofMemory)
})

t.test(
  'memory: a process that left its group, its session and its parent counts',
  linux,
  async t => {
    const program = `setsid sh -c '(sleep 1.5; exec "$0" -e "const kept = Buffer.alloc(600 * 2 ** 20, 1); setInterval(() => kept, 1000)") & sleep 1' "$NODE" & sleep 6; exit 1`

    const { observation } = await run(t, program, { limits: { memoryMb: 300 } })

    t.match(observation, ofMemory)
  }
)

t.test('memory: what processes share counts once', linux, async t => {
  const program = `"$PYTHON" -c '
import os, time
kept = b"1" * (150 * 2 ** 20)
for _ in range(4):
    if os.fork() == 0:
        time.sleep(2)
        os._exit(0)
for _ in range(4):
    os.wait()
'`

  const { observation } = await run(t, program, { limits: { memoryMb: 400 } })

  t.match(observation, { state: 'ended', status: 'Completed', exitCode: 0 })
})

t.test(
  'processes: a program that multiplies is ended, and nothing of it is left',
  linux,
  async t => {
    // A real bomb, but for an end: were it not stopped, it would have some hundred processes, not thousands.
    const bomb = `"$PYTHON" -c '
import os, time
os.setsid()
forks = os.open("forks", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
while True:
    if os.fstat(forks).st_size < 300:
        os.write(forks, b".")
        os.fork()
    time.sleep(0.05)
' bomb-of-${process.pid}`

    const { observation } = await run(t, bomb, { limits: { processes: 60 } })

    t.match(
      observation,
      failure('user', 'The job had more than its 60 processes and threads (LOCAL_MAX_PROCESSES).')
    )
    const { stdout } = await execa('ps', ['-eo', 'args'])
    t.notMatch(stdout, `bomb-of-${process.pid}`)
  }
)

t.test('log: a program that prints without end is ended', async t => {
  const { observation } = await run(t, 'yes; exit 1', { limits: { logBytes: mebibyte } })

  t.match(
    observation,
    failure('user', 'The job printed more than its 1048576 bytes of log (LOCAL_MAX_LOG_BYTES).')
  )
})

t.test('disk', { skip: process.getuid?.() !== 0 && 'only root has a small disk made' }, async t => {
  const disk = testFolder(t)
  await execa('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', disk])
  t.teardown(() => execa('umount', [disk]))
  const paths = { filler: join(disk, 'filler'), other: join(disk, 'other') }
  for (const path of Object.values(paths)) await mkdir(path)
  const limits = { freeBytes: 16 * mebibyte }
  const begun = join(paths.other, 'begun')
  const fill = `until [ -e ${begun} ]; do sleep 0.05; done; cat /dev/zero > ../tmp/zeros; sleep 60; exit 1`

  const [filler, other] = await Promise.all([
    run(t, fill, { path: paths.filler, limits }),
    run(t, `: > ${begun}; sleep 2; echo small > model/a`, { path: paths.other, limits })
  ])

  t.match(filler.observation, {
    ...failure('capacity', ''),
    failure: { message: /^The service's disk has less than 16777216 bytes left .*take \d+ of it/ }
  })
  t.match(other.observation, { status: 'Completed' }, 'a job that holds little goes on')
})

t.test('cores: a job is put on as many as it may have', linux, async t => {
  if (availableParallelism() < 2) return t.pass('there is one core only')

  const { log } = await run(t, '"$NODE" -p "os.availableParallelism()"', { limits: { cpus: 1 } })

  t.equal(log, '1\n')
})

t.test(
  'where memory runs out or the processor is wanted, the service comes first',
  linux,
  async t => {
    const { log } = await run(t, 'cat /proc/self/oom_score_adj; nice; ulimit -c', { limits: {} })

    t.equal(log, '1000\n5\n0\n')
  }
)

t.test('what a job writes is for its user alone, what it leaves is for everybody', async t => {
  const program = 'umask; echo a > model/a; mkdir model/b; stat -c %a model/a model/b'

  const { folder, log } = await run(t, program, { limits: {} })

  t.equal(log, '0077\n600\n700\n')
  const modes: string[] = []
  const onReadEntry = ({ path, mode }: { path: string; mode?: number }) =>
    modes.push(`${path} ${mode?.toString(8)}`)
  await list({ file: folder.modelArchive, onReadEntry })
  t.same(modes.toSorted(), ['./a 644', './b/ 755'])
})

t.test('a link in the place of the model leads nowhere', async t => {
  const program = 'mkdir ../other; echo secret > ../other/a; rmdir model; ln -s ../other model'

  const { folder, observation } = await run(t, program, { limits: {} })

  t.match(observation, { failure: { message: /could not be packed: ml\/model is a link/ } })
  await t.rejects(readFile(folder.modelArchive))
})
