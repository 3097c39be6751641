import { join } from 'node:path'
import t from 'tap'
import { lastLines, readTraceback } from '../../src/runtime/read-traceback.ts'

const root = t.testdir({
  code: { sub: { 'train.py': '', lib: { 'helper.py': '' } }, 'common.py': '' }
})
const codeFolder = join(root, 'code')
const projectFolder = join(codeFolder, 'sub')
const read = (...lines: string[]) => readTraceback(lines.join('\n'), { codeFolder, projectFolder })
const train = join(projectFolder, 'train.py')
const helper = join(projectFolder, 'lib/helper.py')

const badAlpha = [
  'Traceback (most recent call last):',
  `  File "${train}", line 9, in <module>`,
  '    main()',
  '    ~~~~^^',
  `  File "${helper}", line 4, in check`,
  '    raise ValueError("bad alpha")',
  'ValueError: bad alpha'
]

t.test('the exception that ended a program is found with the frame that raised it', async t => {
  t.match(read('epoch 1', ...badAlpha, ''), {
    type: 'ValueError',
    message: 'bad alpha',
    file: 'lib/helper.py',
    line: 4,
    traceback: badAlpha.join('\n')
  })
})

t.test(
  'an exception raised in a library is placed in the innermost frame of the project',
  async t => {
    const found = read(
      ...badAlpha.slice(0, 2),
      '    fit()',
      '  File "/venv/lib/python3.11/site-packages/sklearn/base.py", line 1473, in wrapper',
      '    return fit_method(estimator, *args, **kwargs)',
      '  File "<string>", line 1, in <module>',
      'ValueError: Input X contains NaN.'
    )
    t.match(found, { file: 'train.py', line: 9 })
  }
)

t.test('an exception without a frame of the project is placed in its package', async t => {
  const found = read(
    'Traceback (most recent call last):',
    '  File "/venv/lib/python3.11/site-packages/tool/cli.py", line 7, in run',
    'RuntimeError: no'
  )
  t.match(found, { file: 'tool/cli.py', line: 7 })
})

t.test('relative file names are taken from the project, as Python 3.8 prints them', async t => {
  t.match(
    read(
      'Traceback (most recent call last):',
      '  File "train.py", line 2, in <module>',
      'KeyError'
    ),
    { type: 'KeyError', message: '', file: 'train.py', line: 2 }
  )
})

t.test('a file of the archive beside the project is named relative to the project', async t => {
  const common = join(codeFolder, 'common.py')
  const found = read(
    'Traceback (most recent call last):',
    `  File "${common}", line 1, in f`,
    'OSError: x'
  )
  t.equal(found?.file, '../common.py')
})

t.test('a message of several lines is kept, what is printed after it is not', async t => {
  const message = ['X does not fit:', '', '  - a: 1', 'see the manual']
  for (const after of [
    '🏃 View run calm-cat-1 at: http://127.0.0.1:5000/#/experiments/0/runs/1',
    '2026/11/24 04:00:00 ERROR mlflow.cli: === Run failed ===',
    'wandb: run finished',
    'bash: line 1: something'
  ]) {
    const found = read(...badAlpha.slice(0, -1), `ValueError: ${message.join('\n')}`, after, 'more')
    t.equal(found?.message, message.join('\n'), after)
  }
})

t.test('the module of an exception is no part of its type', async t => {
  for (const type of [
    'mlflow.exceptions.MlflowException',
    '__main__.main.<locals>.MlflowException'
  ]) {
    t.equal(read(...badAlpha.slice(0, -1), `${type}: no`)?.type, 'MlflowException')
  }
})

t.test('of chained exceptions the final one counts, and the traceback shows the chain', async t => {
  for (const link of [
    'During handling of the above exception, another exception occurred:',
    'The above exception was the direct cause of the following exception:'
  ]) {
    const found = read(
      ...badAlpha,
      '',
      link,
      '',
      ...badAlpha.slice(0, 2),
      'RuntimeError: cannot train'
    )
    t.match(found, { type: 'RuntimeError', message: 'cannot train', file: 'train.py', line: 9 })
    t.ok(found?.traceback.startsWith(badAlpha.join('\n')))
  }
})

t.test('an exception that was caught and logged before is not of the chain', async t => {
  const found = read(...badAlpha, 'going on', ...badAlpha.slice(0, 2), 'TypeError: other')
  t.equal(found?.type, 'TypeError')
  t.notMatch(found?.traceback, 'bad alpha')
})

t.test('when a parent only says that its child failed, the child is the cause', async t => {
  for (const says of [
    "mlflow.exceptions.ExecutionException: Run (ID 'abc') failed",
    "subprocess.CalledProcessError: Command '['python']' returned non-zero exit status 1.",
    'torch.distributed.elastic.multiprocessing.errors.ChildFailedError: train.py FAILED'
  ]) {
    const found = read(...badAlpha, '2026/11/24 INFO x', ...badAlpha.slice(0, 2), says)
    t.match(found, { type: 'ValueError', message: 'bad alpha', file: 'lib/helper.py' })
  }
})

t.test('a parent whose child printed no traceback is the cause itself', async t => {
  const found = read(
    ...badAlpha.slice(0, 2),
    "mlflow.exceptions.ExecutionException: Run (ID 'abc') failed"
  )
  t.match(found, { type: 'ExecutionException', message: "Run (ID 'abc') failed" })
})

t.test('a syntax error of the script has no traceback header', async t => {
  const found = read(
    `  File "${train}", line 3`,
    '    def f(',
    '         ^',
    "SyntaxError: '(' was never closed"
  )
  t.match(found, {
    type: 'SyntaxError',
    message: "'(' was never closed",
    file: 'train.py',
    line: 3
  })
})

t.test('a syntax error of an imported module is placed in that module', async t => {
  const found = read(
    ...badAlpha.slice(0, 2),
    '    import helper',
    `  File "${helper}", line 7`,
    '    x = = 1',
    '        ^',
    'SyntaxError: invalid syntax'
  )
  t.match(found, { type: 'SyntaxError', file: 'lib/helper.py', line: 7 })
})

t.test('an exception group shows its members', async t => {
  const found = read(
    '  + Exception Group Traceback (most recent call last):',
    `  |   File "${train}", line 5, in <module>`,
    '  |     raise ExceptionGroup("two went wrong", errors)',
    '  | ExceptionGroup: two went wrong (2 sub-exceptions)',
    '  +-+---------------- 1 ----------------',
    '    | Traceback (most recent call last):',
    `    |   File "${helper}", line 1, in f`,
    '    | ValueError: one',
    '    +---------------- 2 ----------------',
    '    | TypeError: two',
    '    +------------------------------------',
    'bye'
  )
  t.match(found, {
    type: 'ExceptionGroup',
    message: 'two went wrong (2 sub-exceptions)\nValueError: one\nTypeError: two',
    file: 'train.py',
    line: 5
  })
})

t.test('prefixes of launchers and loggers, progress bars and colours are tolerated', async t => {
  const ranked = badAlpha.map(line => `[rank0]: ${line}`)
  const barred = [`Epoch 1:  50%|████    | 1/2 [00:01<00:01]${badAlpha[0]}`, ...badAlpha.slice(1)]
  const coloured = badAlpha.map(line => `\u001B[31m${line}\u001B[0m`)
  const windows = badAlpha.map(line => `${line}\r`)
  for (const lines of [[...ranked, 'E1124 torchrun'], barred, coloured, windows]) {
    t.match(read(...lines), {
      type: 'ValueError',
      message: 'bad alpha',
      file: 'lib/helper.py',
      line: 4
    })
  }
})

t.test('a traceback is cut at its beginning, to 8 KiB', async t => {
  const deep = Array.from({ length: 500 }, () => `  File "${helper}", line 4, in check`)
  const found = read(
    ...badAlpha.slice(0, 2),
    ...deep,
    'RecursionError: maximum recursion depth exceeded'
  )
  t.ok(Buffer.byteLength(found?.traceback ?? '') <= 8 * 1024)
  t.match(found?.traceback, /^ {2}File .*RecursionError: maximum recursion depth exceeded$/s)
})

t.test('output without a traceback gives none', async t => {
  for (const output of [
    '',
    'Killed',
    'ValueError: bad',
    'Traceback (most recent call last):',
    '  File "x", line 3'
  ]) {
    t.equal(read(output), undefined, output)
  }
})

t.test('hostile output is read in a time that grows with its size', async t => {
  const lines = Array.from(
    { length: 4000 },
    () => 'Traceback (most recent call last):\n  File "x", line 1, in f'
  )
  t.equal(read(...lines), undefined)
  t.equal(read(`${' '.repeat(250_000)}x`), undefined)
})

t.test('the last words of a program are its last lines without MLflow’s farewell', async t => {
  const output = 'usage: train.py\n\ntrain.py: error: no alpha\n🏃 View run x at: http://x\n'
  t.equal(lastLines(output), 'usage: train.py\ntrain.py: error: no alpha')
})
