import fc from 'fast-check'
import t from 'tap'
import { readCodeHints } from '../../src/contract/code-hints.ts'

const experiments = (code: string) => {
  const hints = readCodeHints(code)
  return hints.dynamicExperiment ? [...hints.experiments, '?'] : hints.experiments
}

t.test('literal experiments are found in the ways they are written', t => {
  t.same(experiments('import mlflow\nmlflow.set_experiment("X")'), ['X'])
  t.same(experiments("import mlflow\nmlflow . set_experiment(\n  experiment_name='X',\n)"), ['X'])
  t.same(experiments('import mlflow as ml\nml.set_experiment(r"a\\b")'), ['a\\b'])
  t.same(experiments('from mlflow import log_param, set_experiment\nset_experiment("X")'), ['X'])
  t.same(
    experiments('from mlflow import (\n  log_param, # x\n  set_experiment as se,\n)\nse("X")'),
    ['X']
  )
  t.same(experiments('from mlflow import *\nset_experiment("X")'), ['X'])
  t.same(
    experiments('import mlflow\nmlflow.set_experiment("a" "b")\nmlflow.set_experiment("""ab""")'),
    ['ab']
  )
  t.end()
})

t.test('names that only the program knows are told apart', t => {
  for (const argument of [
    'name',
    'f"x{y}"',
    '"a" + b',
    '"a".upper()',
    'experiment_id="1"',
    '"a\\x41"',
    '*args',
    ''
  ]) {
    t.same(experiments(`import mlflow\nmlflow.set_experiment(${argument})`), ['?'], argument)
  }
  t.end()
})

t.test('comments, strings, definitions and methods of others are no calls', t => {
  t.same(experiments('import mlflow\n# mlflow.set_experiment("X")'), [])
  t.same(experiments('import mlflow\n"""mlflow.set_experiment("X")"""'), [])
  t.same(experiments('import mlflow\n\'# "\'; mlflow.set_experiment("X")'), ['X'])
  t.same(experiments('import mlflow\ndef set_experiment(name): pass\nset_experiment("X")'), [])
  t.same(experiments('import mlflow\nself.set_experiment("X")'), [])
  t.same(experiments('import mlflow\nmlflow.set_experiment'), [])
  t.end()
})

t.test('another tracking server in the code is seen', t => {
  t.ok(readCodeHints('import mlflow\nmlflow.set_tracking_uri("x")').setsTrackingUri)
  t.ok(readCodeHints('from mlflow import set_tracking_uri\nset_tracking_uri(uri)').setsTrackingUri)
  t.notOk(readCodeHints('import mlflow\n# mlflow.set_tracking_uri("x")').setsTrackingUri)
  t.end()
})

t.test('any text is read without an error', t => {
  const piece = fc.constantFrom(
    'mlflow',
    '.',
    'set_experiment',
    '(',
    ')',
    '"',
    "'",
    '"""',
    '\\',
    '\n',
    '#',
    'from',
    'import',
    'as',
    ',',
    '=',
    'f',
    ' ',
    'é'
  )
  fc.assert(
    fc.property(fc.array(piece), pieces =>
      Array.isArray(readCodeHints(pieces.join('')).experiments)
    )
  )
  t.end()
})

t.test('time grows with the text and no faster', t => {
  const hostile = [
    '"""\\',
    'mlflow.set_experiment("a"',
    'from mlflow import a,',
    'x"""',
    '\\',
    "f'",
    'mlflow.'
  ]
  for (const text of hostile) {
    const small = `mlflow ${text.repeat(10_000 / text.length)}`
    const large = `mlflow ${text.repeat(300_000 / text.length)}`
    readCodeHints(small)
    t.ok(cpu(() => readCodeHints(large)) < 200 * cpu(() => readCodeHints(small)) + 50_000, text)
  }
  t.end()
})

// Microseconds of this process.
function cpu(action: () => void): number {
  const before = process.cpuUsage()
  action()
  const { user, system } = process.cpuUsage(before)
  return user + system
}
