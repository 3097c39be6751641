import t from 'tap'
import { checkSubmission } from '../../src/contract/check-submission.ts'
import { readProject } from '../../src/contract/mlproject.ts'
import { projectFiles } from '../helpers/project-files.ts'

const MLproject = `name: wine
entry_points:
  main:
    parameters:
      alpha: {type: float, default: 0.5, description: Strength}
      epochs: {type: int, default: "None"}
      data: {type: path, default: data}
      source: {type: uri, default: "s3://b/k"}
      verbose: {type: bool, default: true}
      note: {type: str, default: ""}
      required: string
    command: >-
      python Train.py {alpha} {epochs} {data} {source} {verbose} "{note}" {required}
  broken:
    command: "python train.py {nothing}"
`

const files = projectFiles({ MLproject, 'train.py': '', 'data/a.csv': '', 'run.sh': '' })
const { project, warnings } = readProject('', files)

function check(
  parameters: Record<string, string>,
  entryPoint = 'main',
  allowUndeclaredParameters = false
) {
  if (project === undefined) throw new Error('The project has faults.')
  return checkSubmission(project, files, { entryPoint, parameters, allowUndeclaredParameters })
}
const details = (parameters: Record<string, string>, entryPoint = 'main') =>
  check(parameters, entryPoint).faults.map(({ pointer, detail }) => `${pointer}: ${detail}`)

t.test('what can be seen in the file is warned of', t => {
  t.same(warnings, [
    'MLproject: entry point "main" (line 3): parameter "epochs" (line 6): the default "None" is not a whole number, such as 10.',
    'MLproject: entry point "broken" (line 14) cannot run: its command cannot be filled in, for its placeholder {nothing} is no declared parameter; MLflow fills in declared parameters only, and a brace of the shell is written twice, as "{{".',
    'MLproject: the type "bool" of "verbose" is none that MLflow documents; taken as boolean.',
    'MLproject: the type "str" of "note" is none that MLflow documents; taken as string.',
    'The command of entry point "main" runs Train.py, which the project does not have; it has train.py, which differs in case.'
  ])
  t.equal(project?.entryPoints.main?.parameters.alpha?.description, 'Strength')
  t.end()
})

t.test('defaults are shown as MLflow will pass them', t => {
  const { faults, defaults } = check({ required: '"x"' })
  t.same(faults, [])
  t.same(
    { ...defaults },
    {
      alpha: '0.5',
      epochs: '"None"',
      data: '"data"',
      source: '"s3://b/k"',
      verbose: '"True"',
      note: '""'
    }
  )
  t.end()
})

t.test('every fault of a submission is told at once', t => {
  t.same(
    details({
      aplha: '1',
      alpha: '"x"',
      epochs: '5.0',
      source: '"k"',
      verbose: '"maybe"',
      note: '"$(id)"'
    }),
    [
      '/parameters/alpha: Parameter "alpha" of entry point "main" has the type float, and "x" is not a number, such as 0.5 or 1e-5.',
      '/parameters/epochs: Parameter "epochs" of entry point "main" has the type int, and "5.0" is not a whole number, such as 10.',
      '/parameters/source: Parameter "source" of entry point "main" has the type uri, and "k" is not a URI, such as s3://bucket/key.',
      '/parameters/verbose: Parameter "verbose" of entry point "main" has the type bool, and "maybe" is not true or false.',
      `/parameters/note: Parameter "note" stands in double quotes in the command of entry point "main", where MLflow's quoting does not hold and the shell would run what a value contains: there a value can have only letters, digits and _ @ % + = : , . / -. Let {note} stand by itself in the MLproject file, and every value will do.`,
      '/parameters/required: Entry point "main" needs a value for the parameter "required", which has no default.',
      '/parameters/aplha: Entry point "main" declares no parameter "aplha"; did you mean "alpha"?'
    ]
  )
  t.end()
})

t.test('a default may be passed, whatever its type says', t => {
  t.same(details({ required: '"x"', epochs: '"None"', note: '""' }), [])
  t.end()
})

t.test('a path that the project lacks is a warning, and one outside of it is none', t => {
  const pathWarnings = (path: string) =>
    check({ required: '"x"', data: JSON.stringify(path) }).warnings
  t.same(pathWarnings('dat'), [
    'Parameter "data" names the path "dat", which the project does not have; paths are relative to the project\'s folder.'
  ])
  t.match(pathWarnings('Data/a.csv'), [/it has data\/a.csv, which differs in case/])
  for (const path of [
    'data',
    'data/',
    './data/a.csv',
    'data/a%2Ecsv',
    '/mnt/data',
    '../input/data',
    's3://b/k',
    'file:///data',
    ''
  ]) {
    t.same(pathWarnings(path), [], path)
  }
  t.end()
})

t.test('entry points are the declared ones and scripts of the project', t => {
  t.same(details({}, 'train.py'), [])
  t.match(check({ n: '5' }, 'run.sh', true), {
    faults: [],
    entryPoint: { command: 'bash run.sh', declared: false }
  })
  t.same(details({}, 'mian'), [
    '/entryPoint: The project has no entry point "mian"; did you mean "main"?'
  ])
  t.match(details({}, 'evaluate'), [/it has "main", "broken"/])
  t.match(details({}, 'trian.py'), [/has no such file; did you mean "train.py"/])
  t.match(details({}, 'broken'), [/^\/entryPoint: Entry point "broken" cannot run/])
  for (const name of ['a$(id).py', '-x.py', '/etc/x.sh', 'a b.sh', "'.py", '../../x.py'])
    t.equal(details({}, name).length, 1, name)
  t.match(details({ n: '5' }, 'run.sh'), [/declares no parameter "n"; it declares none/])
  t.end()
})

t.test('undeclared parameters pass where they are allowed', t => {
  t.same(check({ required: '1', more: '"a b"' }, 'main', true).faults, [])
  t.end()
})

t.test('names of JavaScript are names like any other', t => {
  const text =
    'entry_points:\n  constructor:\n    parameters: {__proto__: {default: 1}, toString: float}\n    command: "a {__proto__} {toString}"\n'
  const files = projectFiles({ MLproject: text })
  const { project } = readProject('', files)
  t.ok(project)
  if (project === undefined) return t.end()
  const submission = { entryPoint: 'constructor', parameters: {}, allowUndeclaredParameters: false }
  t.match(checkSubmission(project, files, submission).faults, [{ pointer: '/parameters/toString' }])
  t.match(checkSubmission(project, files, { ...submission, entryPoint: 'hasOwnProperty' }).faults, [
    { pointer: '/entryPoint' }
  ])
  t.notOk('default' in {})
  t.end()
})

t.test('where no project is, the fault says where it was looked for', t => {
  t.same(readProject('a', files).faults, [
    { pointer: '/project', detail: 'There is no MLproject file in the folder a.' }
  ])
  const twice = projectFiles({ MLproject: '', mlproject: '' })
  t.match(readProject('', twice).faults, [
    { detail: /several MLproject files in the root of the archive/ }
  ])
  t.match(readProject('', projectFiles({ MLproject: '' })).faults, [{ detail: /is empty/ }])
  t.end()
})

t.test('a large hostile file is answered in time', t => {
  const many = Array.from(
    { length: 3000 },
    (_, index) => `      p${index}: {type: odd, default: "{"}`
  ).join('\n')
  const text = `entry_points:\n  main:\n    parameters:\n${many}\n    command: "${'{p0}'.repeat(2000)}"\n`
  const paths = Object.fromEntries(
    Array.from({ length: 20_000 }, (_, index) => [`d/f${index}.py`, ''])
  )
  const files = projectFiles({ ...paths, MLproject: text })
  const { user } = process.cpuUsage()
  const { project } = readProject('', files)
  t.ok(project)
  if (project === undefined) return t.end()
  const parameters = Object.fromEntries(
    Array.from({ length: 1000 }, (_, index) => [`q${index}`, '"x"'])
  )
  t.equal(
    checkSubmission(project, files, {
      entryPoint: 'main',
      parameters,
      allowUndeclaredParameters: false
    }).faults.length,
    1000
  )
  t.ok(process.cpuUsage().user - user < 8_000_000)
  t.end()
})
