import { existsSync } from 'node:fs'
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import t, { type Test } from 'tap'
import {
  fillCompileCache,
  runtimeCache,
  supervisorCache
} from '../../../../src/server/backends/local/compile-cache.ts'
import { findSandbox } from '../../../../src/server/backends/local/sandbox.ts'
import { wallIn } from '../../../../src/server/backends/local/wall.ts'
import { testFolder } from '../../../helpers/folder.ts'
import { noSandbox } from '../../../helpers/no-sandbox.ts'

const { PATH = '' } = process.env
const environment = { PATH }
const runtimeMain = join(import.meta.dirname, '../../../../src/runtime/main.ts')
const noUser =
  noSandbox || (process.getuid?.() === 0 ? false : 'only root can run jobs as another user')

async function makePlace(t: Test, user?: string) {
  const dataDir = testFolder(t)
  const temporary = join(dataDir, 'tmp')
  await mkdir(temporary, { recursive: true })
  const { wall } = await findSandbox({
    ...{ mode: 'bwrap', folder: dataDir, temporary, environment, user },
    ...{ readable: [], writable: [] }
  })
  if (!wall) throw new Error('There is no wall.')
  return { dataDir, temporary, wall, environment }
}

/** What a shell behind the wall says. */
async function tryBehind(
  { temporary, wall }: Awaited<ReturnType<typeof makePlace>>,
  script: string
) {
  const [command = '', ...given] = wallIn(wall, {
    ...{ temporary, own: [], workingFolder: '/', readOnly: [], sharedBytes: 1024 }
  })
  const { stdout, stderr } = await execa(command, [...given, '/bin/sh', '-c', script], {
    reject: false,
    stdio: ['ignore', 'pipe', 'pipe', 'ignore', 'pipe']
  })
  return `${stdout}\n${stderr}`
}

/** Each with the time when it was written. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile())
  return Promise.all(
    files.map(async ({ parentPath, name }) => {
      const { mtimeMs } = await stat(join(parentPath, name))
      return `${name} ${mtimeMs}`
    })
  )
}

t.test('it is there for jobs, who can change nothing in it', { skip: noSandbox }, async t => {
  const place = await makePlace(t)

  await fillCompileCache(place)

  const folder = runtimeCache(place.dataDir)
  t.ok((await filesIn(folder)).length > 100)
  t.strictSame(await readdir(place.temporary), [])
  const said = await tryBehind(
    place,
    `ls ${folder}; touch ${folder}/x; rm -r ${folder}/*; ls ${folder}/..`
  )
  t.match(said, /^v\d.*\nruntimes\n/, 'nor is there that of supervisors')
  t.match(said, /touch: .*Read-only file system[\s\S]*rm: .*Read-only file system/)
})

t.test('a runtime finds all of its own in it', { skip: noSandbox }, async t => {
  const place = await makePlace(t)
  await fillCompileCache(place)
  const before = await filesIn(runtimeCache(place.dataDir))

  await execa(process.execPath, [runtimeMain, 'load'], {
    env: { ...environment, NODE_COMPILE_CACHE: runtimeCache(place.dataDir) },
    extendEnv: false
  })

  t.strictSame(await filesIn(runtimeCache(place.dataDir)), before)
})

t.test('what somebody else has written there is gone', { skip: noSandbox }, async t => {
  const place = await makePlace(t)
  for (const folder of [runtimeCache(place.dataDir), supervisorCache(place.dataDir)]) {
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'foreign'), '')
  }

  await fillCompileCache(place)

  t.notOk(existsSync(join(runtimeCache(place.dataDir), 'foreign')))
  t.strictSame(await readdir(supervisorCache(place.dataDir)), [])
})

t.test(
  'the user that jobs run as can read it, and owns nothing of it',
  { skip: noUser },
  async t => {
    const place = await makePlace(t, 'nobody')

    await fillCompileCache(place)

    const folder = runtimeCache(place.dataDir)
    const entries = await readdir(folder, { recursive: true, withFileTypes: true })
    t.ok(entries.length > 100)
    for (const { parentPath, name } of entries)
      t.equal((await stat(join(parentPath, name))).uid, process.getuid?.())
    t.equal((await stat(folder)).uid, process.getuid?.())
    const said = await tryBehind(place, `id -un; cat ${folder}/v*/* >/dev/null && echo is readable`)
    t.match(said, /^nobody\nis readable\n/)
  }
)

t.test('what fails is told, and leaves nothing', { skip: noSandbox }, async t => {
  const place = await makePlace(t)

  await t.rejects(fillCompileCache({ ...place, wall: { ...place.wall, tools: [] } }))
  await t.rejects(fillCompileCache({ ...place, signal: AbortSignal.abort() }))

  t.strictSame(await readdir(place.temporary), [])
})
