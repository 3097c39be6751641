import { mkdir, readlink, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import * as inputData from '../../../../src/server/backends/local/input-data.ts'
import { jobFolder, makeFolders } from '../../../../src/server/backends/local/job-folder.ts'
import { linkInputs } from '../../../../src/server/backends/local/link-inputs.ts'
import { createPaths } from '../../../../src/server/paths.ts'
import { testFolder } from '../../../helpers/folder.ts'

type Given = [job: Parameters<typeof inputData.checkInputs>[0], settings: inputData.InputSettings]
const checkInputs = (...given: Given) => inputData.checkInputs(...given, createPaths())
const locateInputs = (...given: Given) => inputData.locateInputs(...given, createPaths())

/** A folder of data of two tenants, and one beside it. */
async function place(t: Test) {
  const root = testFolder(t)
  const folder = join(root, 'service')
  for (const name of ['data/a/train', 'data/b', 'elsewhere', 'service'])
    await mkdir(join(root, name), { recursive: true })
  for (const name of ['data/a/one.csv', 'data/b/theirs.csv', 'elsewhere/secret', 'service/jobs.db'])
    await writeFile(join(root, name), name)
  await symlink(join(root, 'elsewhere'), join(root, 'data/a/out'))
  await symlink('train', join(root, 'data/a/within'))
  await symlink(join(root, 'service'), join(root, 'data/a/own'))
  const settings = (...roots: string[]) => ({
    folder,
    inputRoots: roots.map(one => join(root, one))
  })
  return { root, folder, settings, of: (uri: string) => ({ tenant: 'a', inputs: { train: uri } }) }
}

t.test('files and folders of the tenant’s own root are found, without links', async t => {
  const { root, settings, of } = await place(t)
  for (const [path, real] of [
    ['data/a', 'data/a'],
    ['data/a/', 'data/a'],
    ['data/a/train', 'data/a/train'],
    ['data/a/one.csv', 'data/a/one.csv'],
    ['data/a/within', 'data/a/train'],
    ['data/b/../a/train/', 'data/a/train']
  ] as const) {
    const job = of(`file://${root}/${path}`)
    t.strictSame(await checkInputs(job, settings('data/{tenant}')), [], path)
    const found = await locateInputs(job, settings('data/{tenant}'))
    t.strictSame(
      [...(found as Map<string, unknown>).values()],
      [{ path: join(root, real), isFolder: !real.endsWith('.csv') }]
    )
  }
})

t.test('what is elsewhere is refused alike, whether it is there or not', async t => {
  const { root, settings, of } = await place(t)
  for (const path of [
    'data',
    'data/b',
    'data/b/theirs.csv',
    'data/b/nothing',
    'data/ab',
    'data/a/../b/theirs.csv',
    'data/a/%2e%2e/b',
    'data/a/out/secret',
    'data/a/out',
    'data/a/own/jobs.db',
    'elsewhere/secret',
    'elsewhere/nothing'
  ])
    t.match(
      await checkInputs(of(`file://${root}/${path}`), settings('data/{tenant}')),
      [
        {
          pointer: '/inputs/train',
          detail: /^The data must be in one of the folders .*INPUT_ROOTS/
        }
      ],
      path
    )
})

t.test('the service’s own folder is nobody’s data, however wide the roots are', async t => {
  const { root, settings, of } = await place(t)
  for (const path of ['', 'service', 'service/jobs.db'])
    t.match(await checkInputs(of(`file://${root}/${path}`), settings('')), [
      { detail: /^The data must/ }
    ])
  t.strictSame(await checkInputs(of(`file://${root}/data`), settings('')), [])
})

t.test('what cannot be data says why', async t => {
  const { root, settings, of } = await place(t)
  const detail = async (uri: string, ...roots: string[]) =>
    (await checkInputs(of(uri), settings(...roots)))[0]?.detail
  t.match(await detail(`file://${root}/data/a`), /its operator has to name .* INPUT_ROOTS\.$/)
  t.equal(
    await detail(`file://${root}/data/a/no`, 'data'),
    `There is nothing at file://${root}/data/a/no.`
  )
  t.match(await detail('s3://bucket/x', 'data'), /S3 is for BACKEND=sagemaker/)
  t.match(await detail(`file://host${root}/data/a`, 'data'), /has a path and no host/)
  t.match(await detail(`file://${root}/data/a%2fb`, 'data'), /has a path and no host/)
  t.match(await detail(`file://${root}/data/a%00`, 'data'), /has a path and no host/)
})

t.test('data that has gone until the job starts is its failure, in words', async t => {
  const { root, settings, of } = await place(t)
  t.match(await locateInputs(of(`file://${root}/data/a/gone`), settings('data')), {
    outcome: 'failed',
    failure: { kind: 'user', message: /^The channel train has no data: There is nothing at file:/ }
  })
})

t.test('a channel is a folder: a link to one, or one with a link to the file', async t => {
  const { root } = await place(t)
  const job = jobFolder(join(root, 'service/jobs/job-a/local'))
  await makeFolders(job)
  const inputs = new Map([
    ['train', { path: join(root, 'data/a/train'), isFolder: true }],
    ['check', { path: join(root, 'data/a/one.csv'), isFolder: false }]
  ])
  await linkInputs(job, inputs)
  await linkInputs(job, inputs)
  t.equal(await readlink(join(job.tree.inputData, 'train')), join(root, 'data/a/train'))
  t.equal(await readlink(join(job.tree.inputData, 'check/one.csv')), join(root, 'data/a/one.csv'))
})
