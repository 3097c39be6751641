import {
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { containerTree } from '../../src/contract/container.ts'
import type { Failure } from '../../src/contract/run-report.ts'
import { makeNamesReadable } from '../../src/runtime/readable-names.ts'
import { failureText, listModelFiles, writeFailure } from '../../src/runtime/write-results.ts'

const failure: Failure = {
  kind: 'user',
  type: 'ValueError',
  message: 'bad alpha',
  file: 'helper.py',
  line: 3,
  traceback: 'Traceback\n  first\n  last\nValueError: bad alpha',
  exitCode: 1
}

t.test('the failure file begins with the cause', async t => {
  const tree = containerTree(t.testdir())
  await writeFailure(tree, failure)
  t.equal(
    readFileSync(tree.failure, 'utf8'),
    'ValueError: bad alpha\n(helper.py, line 3)\n\nTraceback\n  first\n  last\nValueError: bad alpha'
  )
})

t.test('a failure file of the user’s program stays', async t => {
  const tree = containerTree(t.testdir({ output: { failure: 'mine' } }))
  await writeFailure(tree, failure)
  t.equal(readFileSync(tree.failure, 'utf8'), 'mine')
})

t.test(
  'a long failure keeps its cause and the end of its traceback, in 1,024 characters',
  async t => {
    const lines = Array.from({ length: 200 }, (_, index) => `  line ${index}`)
    const long = failureText({ ...failure, traceback: lines.join('\n') })
    t.ok(long.length <= 1024)
    t.match(long, /^ValueError: bad alpha\n.*\n\n {2}line \d+\n.* {2}line 199$/s)

    const wordy = failureText({ ...failure, message: '🙂'.repeat(1000) })
    t.equal(wordy.length <= 1024, true)
    t.match(wordy, /^ValueError: 🙂+…\n\(helper\.py, line 3\)$/u)
  }
)

t.test('the model’s files are listed with size and digest, in order', async t => {
  const tree = containerTree(t.testdir({ model: { b: 'two', a: { c: 'one' } } }))
  t.strictSame(await listModelFiles(tree, t.fail), [
    {
      path: 'a/c',
      sizeBytes: 3,
      sha256: '7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed'
    },
    {
      path: 'b',
      sizeBytes: 3,
      sha256: '3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3'
    }
  ])
})

t.test(
  'links in the model become what they lead to; those that cannot are removed and told',
  async t => {
    const folder = t.testdir({ model: { file: 'x' }, outside: { deep: { file: 'y' } } })
    const tree = containerTree(folder)
    symlinkSync('file', join(tree.model, 'beside'))
    symlinkSync(join(folder, 'outside'), join(tree.model, 'copied'))
    symlinkSync('nowhere', join(tree.model, 'dangling'))
    symlinkSync('.', join(tree.model, 'loop'))
    mkdirSync(join(folder, 'knot'))
    symlinkSync('.', join(folder, 'knot/self'))
    writeFileSync(join(folder, 'knot/file'), '')
    symlinkSync(join(folder, 'knot'), join(tree.model, 'knot'))
    const warnings: string[] = []

    const files = await listModelFiles(tree, warning => void warnings.push(warning))

    t.strictSame(
      files.map(({ path }) => path),
      ['beside', 'copied/deep/file', 'file']
    )
    t.notOk(lstatSync(join(tree.model, 'beside')).isSymbolicLink())
    t.strictSame(warnings.map(text => /link (\S+)/.exec(text)?.[1]).sort(), [
      'dangling',
      'knot',
      'loop'
    ])
  }
)

t.test('a file with several names has its own bytes under each of them', async t => {
  const folder = t.testdir({ model: { first: 'x', deep: {} }, cache: { weights: 'y' } })
  const tree = containerTree(folder)
  const place = (name: string) => join(tree.model, name)
  utimesSync(join(folder, 'cache/weights'), 1_000_000, 1_000_000)
  linkSync(place('first'), place('deep/second'))
  linkSync(join(folder, 'cache/weights'), place('weights'))

  const files = await listModelFiles(tree, t.fail)

  t.strictSame(
    files.map(({ path }) => path),
    ['deep/second', 'first', 'weights']
  )
  for (const { path } of files) t.equal(lstatSync(place(path)).nlink, 1, path)
  t.equal(readFileSync(place('deep/second'), 'utf8'), 'x')
  t.equal(readFileSync(place('weights'), 'utf8'), 'y')
  t.equal(lstatSync(place('weights')).mtimeMs, 1_000_000_000)
  t.strictSame(readdirSync(tree.model).toSorted(), ['deep', 'first', 'weights'])
})

t.test(
  'a name that is not UTF-8 is written so, in the model and in all that a job leaves',
  async t => {
    const root = t.testdir({ model: { 'gut.txt': 'x' }, output: { data: { deep: {} } } })
    const tree = containerTree(root)
    const put = (folder: string) => {
      try {
        writeFileSync(Buffer.concat([Buffer.from(`${folder}/mod`), Buffer.from([0xe8])]), 'y')
        return true
      } catch {
        return false
      }
    }
    if (!put(tree.model)) return void t.pass('skipped: this file system takes no such names')
    put(join(tree.outputData, 'deep'))
    const warnings: string[] = []

    const files = await listModelFiles(tree, text => warnings.push(text))
    await makeNamesReadable(tree.outputData, text => warnings.push(text))

    t.strictSame(
      files.map(({ path }) => path),
      ['gut.txt', 'mod%E8']
    )
    t.strictSame(readdirSync(join(tree.outputData, 'deep')), ['mod%E8'])
    t.match(warnings, [/it is mod%E8 now/, /it is deep\/mod%E8 now/])
  }
)

t.test('a job without a model has no files', async t => {
  t.strictSame(await listModelFiles(containerTree(t.testdir()), t.fail), [])
})
