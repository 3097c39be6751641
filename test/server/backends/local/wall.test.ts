/** What a program reaches from behind the wall, and what is left of it. A shell stands for the runtime. */
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import t from 'tap'
import { give } from '../../../../src/server/backends/local/give.ts'
import {
  type ExitFile,
  type JobFile,
  jobFolder,
  makeFolders,
  readJson,
  writeJson
} from '../../../../src/server/backends/local/job-folder.ts'
import type { JobLimits } from '../../../../src/server/backends/local/limits.ts'
import { findSandbox, type SandboxMode } from '../../../../src/server/backends/local/sandbox.ts'
import { wallIn } from '../../../../src/server/backends/local/wall.ts'
import { testFolder } from '../../../helpers/folder.ts'

const main = join(import.meta.dirname, '../../../../src/server/backends/local/supervise.ts')
const mebibyte = 1024 ** 2
const { PATH = '' } = process.env

const sandboxIn = async (
  folder: string,
  mode: SandboxMode = 'auto',
  path = PATH,
  user?: string
) => {
  const temporary = join(folder, 'tmp')
  await mkdir(temporary, { recursive: true })
  return findSandbox({
    mode,
    folder,
    temporary,
    readable: [join(folder, '..', 'readable')],
    writable: [join(folder, '..', 'writable')],
    user,
    environment: { PATH: path }
  })
}

const { wall, notice } = await sandboxIn(t.testdir())
const walled = wall ? {} : { skip: notice ?? 'there is no wall here' }

interface Running {
  /** DATA_DIR */
  dataDir: string
  readOnly?: string[]
  limits?: JobLimits
  user?: string
}

/** A job that runs the text behind a wall, as the service would have written it. */
async function place(program: string, { dataDir, readOnly = [], limits, user }: Running) {
  const sandbox = await sandboxIn(dataDir, 'auto', PATH, user)
  if (!sandbox.wall) throw new Error(sandbox.notice)
  const folder = jobFolder(join(dataDir, 'jobs', 'job-a', 'local'))
  await makeFolders(folder)
  const { temporary, tree } = folder
  if (sandbox.wall.user) await give([tree.base, folder.home, temporary], sandbox.wall.user)
  await writeJson(folder.job, {
    command: '/bin/sh',
    arguments: ['-c', program],
    environment: { PATH, NODE: process.execPath, SECRET: 'of the job' },
    stopGraceSeconds: 5,
    ...(limits ? { limits } : {}),
    wall: wallIn(sandbox.wall, {
      temporary,
      own: [tree.base, folder.home, temporary].map(path => ({ path, as: path })),
      workingFolder: tree.base,
      readOnly,
      sharedBytes: mebibyte
    })
  })
  return folder
}

const supervise = (folder: { path: string }) => execa(process.execPath, [main, folder.path])

async function run(program: string, running: Running) {
  const folder = await place(program, running)
  await supervise(folder)
  return {
    folder,
    log: await readFile(folder.log, 'utf8'),
    exit: await readJson<ExitFile>(folder.exit)
  }
}

async function processesOf(mark: string): Promise<string[]> {
  const { stdout } = await execa('ps', ['-eo', 'pid,args'], { lines: true })
  return stdout.filter(line => line.includes(mark))
}

t.test(
  'of the data folder there is the job’s own, and of that what the program needs',
  walled,
  async t => {
    const dataDir = testFolder(t)
    await writeFile(join(dataDir, 'jobs.db'), 'secret')
    await mkdir(join(dataDir, 'jobs', 'job-b'), { recursive: true })

    const { log } = await run(`ls "${dataDir}" "${dataDir}/jobs" ..; echo x > "${dataDir}/x"`, {
      dataDir
    })

    t.match(log, `${dataDir}:\ncompile-cache\njobs\n`)
    t.match(log, `${dataDir}/jobs:\njob-a\n`)
    t.match(log, '..:\nhome\nml\ntmp\n')
    t.match(log, /x: Read-only file system/)
  }
)

t.test('the system can be read, and nothing of it written', walled, async t => {
  const { log } = await run(
    'for it in / /usr /etc /dev "$(dirname "$NODE")"; do touch "$it/it" || echo "not $it"; done; cat /etc/shadow; echo "keys: $(ls -d /etc/ssl/private /etc/pki/tls/private 2>/dev/null | wc -l)"; "$NODE" -p 40+2',
    { dataDir: testFolder(t) }
  )

  t.equal(log.match(/^not \//gm)?.length, 5, log)
  t.match(log, /shadow: No such file/)
  t.match(log, /^keys: 0$/m)
  t.match(log, /^42$/m)
})

t.test(
  'the program sees its own processes alone, and none of their variables but its own',
  walled,
  async t => {
    const { log } = await run(
      'cd /proc; echo *; cat [0-9]*/environ | tr "\\0" "\\n"; kill -9 -1; echo here',
      {
        dataDir: testFolder(t)
      }
    )

    const ids =
      log
        .split('\n')[0]
        ?.split(' ')
        .filter(name => /^\d+$/.test(name)) ?? []
    t.ok(ids.length > 0 && ids.every(id => Number(id) < 20), ids.join())
    t.match(log, /^SECRET=of the job$/m)
    t.notMatch(log, /TAP_|TEST_/)
    t.match(log, /^here$/m, 'it cannot end what is outside')
  }
)

t.test('what a program leaves behind dies with it, wherever it went', walled, async t => {
  const mark = `left-by-${process.pid}`
  const program = `for n in 1 2 3; do setsid sh -c '(sleep 61; : ${mark}) & (setsid sleep 62; : ${mark}) &' & done; sleep 0.5; echo "$(ps -e | wc -l) there"`

  const { log } = await run(program, { dataDir: testFolder(t) })

  t.match(log, /^([6-9]|\d\d) there$/m)
  t.same(await processesOf(mark), [])
})

t.test('a stop reaches the runtime, which ends in its own way', walled, async t => {
  const folder = await place(
    'trap "echo ending; exit 143" TERM; echo started; while :; do sleep 0.1; done',
    { dataDir: testFolder(t) }
  )
  const supervisor = supervise(folder)
  while (!existsSync(folder.log) || !(await readFile(folder.log, 'utf8'))) await wait()

  await writeFile(folder.stop, '')
  await supervisor

  t.match(await readFile(folder.log, 'utf8'), 'started\nending\n')
  t.match(await readJson(folder.exit), { exitCode: 143, stopped: true })
})

t.test('a runtime that ignores a stop is killed with all that is there', walled, async t => {
  const mark = `deaf-${process.pid}`
  const folder = await place(
    `trap "" TERM; echo started; setsid sh -c 'sleep 63; : ${mark}' & while :; do sleep 0.1; done`,
    { dataDir: testFolder(t) }
  )
  const supervisor = supervise(folder)
  while (!existsSync(folder.log) || !(await readFile(folder.log, 'utf8'))) await wait()

  await writeFile(folder.stop, '')
  await supervisor

  t.match(await readJson(folder.exit), { exitCode: 137, stopped: true })
  t.same(await processesOf(mark), [])
})

t.test(
  'a wall that is never finished is killed when the time for a stop is over',
  walled,
  async t => {
    const folder = await place('echo never', { dataDir: testFolder(t) })
    const job = await readJson<JobFile>(folder.job)
    await writeJson(folder.job, {
      ...job,
      wall: ['/bin/sh', '-c', 'echo hangs; sleep 600'],
      stopGraceSeconds: 1
    })
    const supervisor = supervise(folder)
    while (!existsSync(folder.log) || !(await readFile(folder.log, 'utf8'))) await wait()

    await writeFile(folder.stop, '')
    await supervisor

    t.match(await readJson(folder.exit), { exitCode: 137, stopped: true })
  }
)

t.test(
  'the runtime outlives its supervisor only to end in order, and what it started ends with it',
  walled,
  async t => {
    const mark = `orphan-${process.pid}`
    const folder = await place(
      `setsid sh -c 'sleep 64; : ${mark}' & exec "$NODE" -e 'process.on("disconnect", () => { console.log("ending"); process.exit() }); console.log("started")'`,
      { dataDir: testFolder(t) }
    )
    const supervisor = supervise(folder)
    while (!existsSync(folder.log) || !(await readFile(folder.log, 'utf8'))) await wait()
    t.not((await processesOf(mark)).length, 0)

    supervisor.kill('SIGKILL')
    await supervisor.catch(() => {})

    while ((await processesOf(mark)).length > 0) await wait()
    t.match(await readFile(folder.log, 'utf8'), 'started\nending\n')
  }
)

t.test('exit codes come through the wall', walled, async t => {
  const { exit } = await run('exit 7', { dataDir: testFolder(t) })
  t.match(exit, { exitCode: 7, stopped: false })
  const killed = await run('kill -9 $$', { dataDir: t.testdir() })
  t.match(killed.exit, { exitCode: 137 })
})

t.test(
  'limits hold behind it: the runtime stays, and what it started is ended',
  walled,
  async t => {
    const limits: JobLimits = {
      memoryMb: 300,
      memorySetting: 'resources.memoryMb',
      processes: 1000,
      logBytes: mebibyte,
      freeBytes: 0
    }
    const program = `setsid "$NODE" -e 'const kept = Buffer.alloc(600 * 2 ** 20, 1); setInterval(() => kept, 1000)'; code=$?; echo saved > model/late; exit $code`

    const { exit, folder } = await run(program, { dataDir: testFolder(t), limits })

    t.match(exit, { exitCode: 137, excess: { message: /more than its 300 MiB/ } })
    t.ok(existsSync(folder.modelArchive), 'the runtime had time to save')
  }
)

t.test('memory that has no process is bounded', walled, async t => {
  const { log } = await run('head -c 9000000 /dev/zero > /dev/shm/it; stat -c %s /dev/shm/it', {
    dataDir: testFolder(t)
  })
  t.match(log, /No space left/)
  t.match(log, /^1048576$/m)
})

t.test('what a job refers to is there, to be read', walled, async t => {
  const dataDir = testFolder(t)
  const data = join(dataDir, 'projects', 'data')
  await mkdir(data, { recursive: true })
  await writeFile(join(data, 'a'), 'of the job\n')
  await writeFile(join(dataDir, 'projects', 'other'), 'of another')
  const readOnly = [data, join(dataDir, 'nowhere')]

  const { log } = await run(`cat "${data}/a"; ls "${dataDir}/projects"; touch "${data}/b"`, {
    dataDir,
    readOnly
  })

  t.match(log, /^of the job\ndata\n.*Read-only file system/)
})

t.test('folders of the operator are there, and hide no data folder below them', walled, async t => {
  const folder = testFolder(t)
  const dataDir = join(folder, 'writable', 'data')
  await mkdir(dataDir, { recursive: true })
  await writeFile(join(dataDir, 'jobs.db'), 'secret')
  await mkdir(join(folder, 'writable', 'readable'))
  await mkdir(join(folder, 'writable', 'writable'))

  const { log } = await run(
    `cd "${folder}/writable"; echo x > writable/x; echo x > readable/x; ls data`,
    { dataDir }
  )

  t.equal(await readFile(join(folder, 'writable', 'writable', 'x'), 'utf8'), 'x\n')
  t.match(log, /readable\/x: Read-only file system\ncompile-cache\njobs\n$/)
})

const asRoot = {
  skip: notice ?? (process.getuid?.() !== 0 && 'only root can start a program as another user')
}

t.test('where the service is root, a job runs as the user that is named', asRoot, async t => {
  const dataDir = testFolder(t)
  const secret = join(dataDir, 'secret')
  await writeFile(secret, 'of root', { mode: 0o600 })

  const { log, folder } = await run(
    `id -u; id -g; id -G; cat "${secret}"; grep -E "Cap(Eff|Bnd)|NoNew" /proc/self/status; echo kept > model/kept`,
    { dataDir, readOnly: [secret], user: '12345:23456' }
  )

  t.match(log, /^12345\n23456\n23456\n.*Permission denied\n/)
  t.match(log, /CapEff:\s0+\nCapBnd:\s0+\nNoNewPrivs:\s1/)
  t.ok(existsSync(folder.modelArchive))
})

t.test('a user that there is not', asRoot, async t => {
  const dataDir = testFolder(t)

  await t.rejects(sandboxIn(dataDir, 'auto', PATH, 'nobody-of-that-name'), {
    message: /^LOCAL_USER is nobody-of-that-name: there is no such user/
  })
  for (const root of ['root', '0:0', '0:23456'])
    await t.rejects(sandboxIn(dataDir, 'auto', PATH, root), {
      message: `LOCAL_USER is ${root}: jobs of it would be root. Name a user that has nothing else to do.`
    })
  await t.rejects(sandboxIn(dataDir, 'none', PATH, '12345:23456'), {
    message: /^LOCAL_USER is 12345:23456: jobs run as another user only in a sandbox/
  })
  t.match(await sandboxIn(dataDir), { userNotice: /^Local jobs run as root/ })
  t.notOk((await sandboxIn(dataDir, 'auto', PATH, 'nobody')).userNotice)
})

t.test('where there is no bwrap', async t => {
  const dataDir = testFolder(t)

  t.match(await sandboxIn(dataDir, 'auto', '/nowhere'), {
    wall: undefined,
    notice: /run without a sandbox: .* There is no bwrap on the PATH: install bubblewrap\.$/
  })
  await t.rejects(sandboxIn(dataDir, 'bwrap', '/nowhere'), {
    message: /^LOCAL_SANDBOX is bwrap, and jobs cannot have a sandbox\. There is no bwrap/
  })
})

t.test('where bwrap is forbidden what it needs', async t => {
  const dataDir = testFolder(t)
  const programs = join(dataDir, 'programs')
  await mkdir(programs)
  const refusing = '#!/bin/sh\necho "bwrap: No permissions to create new namespace" >&2\nexit 1\n'
  await writeFile(join(programs, 'bwrap'), refusing, { mode: 0o755 })

  t.match(await sandboxIn(dataDir, 'auto', `${programs}:${PATH}`), {
    wall: undefined,
    notice: /bwrap cannot build one here: bwrap: No permissions to create new namespace$/
  })
})

t.test('where it builds no wall at all, it counts as none', async t => {
  const dataDir = testFolder(t)
  const programs = join(dataDir, 'programs')
  await mkdir(programs)
  const letting = '#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift\nexec "$@"\n'
  await writeFile(join(programs, 'bwrap'), letting, { mode: 0o755 })

  t.match(await sandboxIn(dataDir, 'auto', `${programs}:${PATH}`), {
    wall: undefined,
    notice: /it leaves jobs in the namespace of all processes/
  })
})

const wait = () => new Promise(resolve => setTimeout(resolve, 20))
