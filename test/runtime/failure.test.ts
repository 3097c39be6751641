import t from 'tap'
import type { CodeHints } from '../../src/contract/code-hints.ts'
import { emptyReport } from '../../src/contract/empty-report.ts'
import type { RunReport } from '../../src/contract/run-report.ts'
import { chooseExperiment } from '../../src/runtime/choose-experiment.ts'
import { failureOf, programFailure, userError } from '../../src/runtime/failure.ts'
import { hintsFor } from '../../src/runtime/hints.ts'

const ended = (exitCode: number, output = '') =>
  programFailure(exitCode, { output, codeFolder: '/code', projectFolder: '/code' })

t.test('a program that a signal ended is told by the signal', async t => {
  t.match(
    ended(137, 'epoch 1\nTraceback (most recent call last):\n  File "x", line 1\nValueError: old'),
    {
      kind: 'user',
      type: null,
      message:
        /^The program was killed by SIGKILL, usually because memory ran out\. It printed last: /,
      exitCode: 137
    }
  )
  t.match(ended(139), { message: 'The program was killed by SIGSEGV. It printed nothing.' })
})

t.test('a command that is not there is told in bash’s words', async t => {
  t.equal(
    ended(127, 'bash: line 1: trian: command not found\n').message,
    'bash: line 1: trian: command not found'
  )
})

t.test('a program that only ended badly is told by its exit code and last words', async t => {
  t.equal(
    ended(2, 'usage: train.py\ntrain.py: error: no alpha\n').message,
    'The program ended with exit code 2. It printed last: usage: train.py\ntrain.py: error: no alpha'
  )
})

t.test('an error that is not known to be the user’s is the platform’s', async t => {
  t.match(failureOf(new Error('disk')), { kind: 'platform', message: 'disk' })
  t.match(failureOf(userError('no code')), { kind: 'user', message: 'no code' })
})

const code = (changes: Partial<CodeHints> = {}): CodeHints => ({
  experiments: [],
  dynamicExperiment: false,
  setsTrackingUri: false,
  ...changes
})

t.test('the run is made in the experiment that the code sets, where nobody named one', async t => {
  t.match(chooseExperiment({}, {}, code({ experiments: ['X'] })), { name: 'X', warning: /"X"/ })
  t.strictSame(chooseExperiment({}, {}, code()), { id: null, name: null })
  t.strictSame(chooseExperiment({}, {}, code({ experiments: ['X', 'Y'] })), {
    id: null,
    name: null
  })
  const unsure = code({ experiments: ['X'], dynamicExperiment: true })
  t.strictSame(chooseExperiment({}, {}, unsure), { id: null, name: null })
})

t.test('the experiment that was named wins, whatever the code sets', async t => {
  const sets = code({ experiments: ['X'] })
  t.strictSame(chooseExperiment({ experimentName: 'Y' }, {}, sets), { id: null, name: 'Y' })
  t.strictSame(chooseExperiment({ experimentName: 'X' }, {}, sets), { id: null, name: 'X' })
  t.strictSame(chooseExperiment({ experimentId: '7' }, {}, sets), { id: '7', name: null })
  t.strictSame(chooseExperiment({ runId: 'r' }, {}, sets), { id: null, name: null })
  const image = { MLFLOW_EXPERIMENT_NAME: 'I', MLFLOW_EXPERIMENT_ID: '3' }
  t.strictSame(chooseExperiment({}, image, sets), { id: null, name: 'I' })
  t.strictSame(chooseExperiment({ experimentId: '7' }, image, code()), { id: '7', name: null })
  t.strictSame(chooseExperiment({ experimentName: 'Y' }, image, code()), { id: null, name: 'Y' })
})

const report = (changes: Partial<RunReport>): RunReport => ({ ...emptyReport(), ...changes })

function hints(
  output: string,
  changes: { message?: string; file?: string | null; manager?: 'local' | 'uv' } = {}
) {
  return hintsFor({
    report: report({ failure: { ...ended(1, output), message: changes.message ?? '' } }),
    output,
    hints: code({ experiments: ['X'] }),
    manager: changes.manager ?? 'uv',
    environmentFile: changes.file === undefined ? 'conda.yaml' : changes.file
  })
}

t.test('failures that MLflow’s words do not explain come with a hint', async t => {
  t.match(
    hints(
      'Cannot start run with ID 1 because active experiment ID does not match environment run ID.'
    ),
    [/calls mlflow\.set_experiment \("X"\)/]
  )
  t.match(hints('Could not find Conda executable at conda.'), [/env_manager="local"/])
  t.match(
    hints(
      'Could not find a registered artifact repository for: mlflow-artifacts:/0/6efe/artifacts.'
    ),
    [/require mlflow>=1\.23/]
  )
  t.strictSame(hints('ValueError'), [])
})

t.test('a module that is missing is told with where to name it', async t => {
  const message = "No module named 'mlflow'"
  t.match(hints('', { message }), [
    /module mlflow is not installed: add the package that has it to conda\.yaml/
  ])
  t.match(hints('', { message, file: null }), [/names no environment: add a python_env\.yaml/])
  t.match(hints('', { message, manager: 'local' }), [/conda\.yaml was not built/])
})

t.test('a job that logged nothing says so', async t => {
  const success = (changes: Partial<RunReport>, setsTrackingUri = false) =>
    hintsFor({
      report: report(changes),
      output: '',
      hints: code({ setsTrackingUri }),
      manager: 'local',
      environmentFile: null
    })
  t.match(success({}), [/logged no metric and left no model/])
  t.match(success({}, true), [/mlflow\.set_tracking_uri/])
  t.strictSame(success({ metrics: { loss: 1 } }), [])
})
