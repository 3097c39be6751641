/**
 * A program that tries to get at what is not its own, run by the whole service: with the wall around it nothing of that
 * succeeds, and without it what SECURITY.md says does. The second shows that the first could fail.
 */
import { existsSync } from 'node:fs'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import t, { type Test } from 'tap'
import { testFolder } from '../helpers/folder.ts'
import { noSandbox } from '../helpers/no-sandbox.ts'
import { pack } from '../helpers/project.ts'
import { testService } from '../helpers/service.ts'

const program = join(import.meta.dirname, '../fixtures/hostile.py')
const memoryMb = 2048

process.env.CANARY_OF_THE_SERVICE = 'yes'

async function attack(t: Test, sandbox: 'bwrap' | 'none', user = '') {
  const service = await testService(t, {
    LOCAL_SANDBOX: sandbox,
    LOCAL_READABLE: '',
    LOCAL_USER: user,
    // Given to that user, the one that all tests share would be taken from the others.
    ...(user ? { UV_CACHE_DIR: '' } : {})
  })
  const { dataDir } = service
  const others = [join(dataDir, 'jobs', 'other'), join(dataDir, 'tenants/another/environments')]
  for (const folder of others) {
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'secret'), 'secret of another')
  }
  await mkdir(join(dataDir, 'tenants/default/environments'), { recursive: true })
  const mark = `hostile-${sandbox}-${process.pid}`

  const { id } = await service.submit({
    project: await pack({
      MLproject:
        'entry_points:\n  main:\n    parameters: {data: string, service: string, mark: string, shared: string}\n    command: python hostile.py {data} {service} {mark} {shared}\n',
      'hostile.py': await readFile(program, 'utf8')
    }),
    parameters: {
      data: dataDir,
      service: `${process.pid}`,
      mark,
      shared: `${memoryMb * 2 ** 20}`
    },
    resources: { memoryMb }
  })
  const job = await service.ended(id)
  const log = await service.log(id)
  const said = /^ATTEMPTS (.*)$/m.exec(log)?.[1]
  if (!said) throw new Error(log)
  const { stdout } = await execa('ps', ['-eo', 'args'], { lines: true })
  const answer = await fetch(`${service.url}/jobs/${id}/model/files`)
  const { items, ...problem } = (await answer.json()) as { items?: { path: string }[] }
  if (!items) t.fail('there is no model', { problem, job })
  return {
    ...service,
    job,
    others,
    succeeded: Object.entries(JSON.parse(said)).flatMap(([name, done]) => (done ? [name] : [])),
    left: stdout.filter(line => line.includes(`: ${mark}`)),
    collected: (items ?? []).map(({ path }) => path).filter(path => !path.startsWith('mlflow_run'))
  }
}

t.test('with a wall around it', { skip: noSandbox }, async t => {
  const { job, succeeded, left, collected, others } = await attack(t, 'bwrap')

  t.match(job, { status: 'succeeded' })
  t.same(succeeded, [])
  t.same(left, [], 'what it left behind is dead')
  t.same(collected, ['honest'], 'what leads elsewhere is not collected')
  for (const folder of others)
    t.ok(existsSync(join(folder, 'secret')), 'there was something to get at')
})

t.test('where DATA_DIR is a link', { skip: noSandbox }, async t => {
  const folder = testFolder(t)
  const real = join(folder, 'real')
  await mkdir(real)
  await symlink(real, join(folder, 'link'))
  const { submit, ended, log } = await testService(t, {
    LOCAL_SANDBOX: 'bwrap',
    LOCAL_READABLE: folder,
    DATA_DIR: join(folder, 'link')
  })

  const { id } = await submit({
    project: await pack({
      MLproject: 'entry_points:\n  main:\n    parameters: {data: string}\n    command: ls {data}\n'
    }),
    parameters: { data: real }
  })

  t.match(await ended(id), { status: 'succeeded' })
  const names = await log(id)
  t.match(names, /^job$/m)
  t.notMatch(names, /jobs\.db/)
})

const asRoot = { skip: noSandbox || (process.getuid?.() !== 0 && 'only root can') }

t.test('with a wall around it, as a user of its own', asRoot, async t => {
  const { job, succeeded, left, collected } = await attack(t, 'bwrap', '12345:23456')

  t.match(job, { status: 'succeeded' })
  t.same(succeeded, [])
  t.same(left, [])
  t.same(collected, ['honest'])
})

t.test('without one', async t => {
  const { job, succeeded, left, collected } = await attack(t, 'none')

  t.match(job, { status: 'succeeded' })
  for (const name of [
    'reads the record of jobs',
    "reads another job's folder",
    'may end the service'
  ])
    t.ok(succeeded.includes(name), name)
  t.notOk(succeeded.includes('makes a file of 4 TiB'))
  t.same(left, [])
  t.notOk(collected.includes('fifo') || collected.includes('socket'))
})
