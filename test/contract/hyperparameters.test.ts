import fc from 'fast-check'
import t from 'tap'
import { decodeHyperparameters, encodeHyperparameters } from '../../src/contract/hyperparameters.ts'
import { textToken } from '../../src/contract/parameters.ts'

const optionPrefix = 'sagemaker_mlflow_run_'
const optionsOf = (map: Record<string, string>) => decodeHyperparameters(map).options
const faultsOf = (map: Record<string, string>) =>
  decodeHyperparameters(map).faults.map(fault => `${fault.pointer}: ${fault.detail}`)

// reference: what SDKs send, and what the program is to get
for (const [raw, text] of [
  ['abc', 'abc'],
  ['s3://b/k', 's3://b/k'],
  ['"abc"', 'abc'],
  ['"1.0"', '1.0'],
  [' "a" ', 'a'],
  ['1.0', '1.0'],
  ['1.10', '1.10'],
  ['1e-5', '1e-5'],
  ['1e5', '1e5'],
  ['-0', '-0'],
  ['12345678901234567890', '12345678901234567890'],
  ['NaN', 'NaN'],
  ['007', '007'],
  ['true', 'true'],
  ['True', 'True'],
  ['null', 'null'],
  ['', ''],
  [' 1 ', ' 1 '],
  ['[1, 2]', '[1, 2]'],
  ['{"a": 1}', '{"a": 1}'],
  ['"open', '"open'],
  ['"\\n\\u00e9"', '\né']
] as const) {
  t.test(`a parameter sent as ${JSON.stringify(raw)} arrives as ${JSON.stringify(text)}`, t => {
    t.same({ ...decodeHyperparameters({ x: raw }).parameters }, { x: text })
    t.end()
  })
}

t.test('what is encoded is decoded to the same job', t => {
  const name = fc
    .stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]{0,20}$/)
    .filter(
      name => !/^(?:sagemaker_|_tuning_objective_metric$|default_user_module_name$)/.test(name)
    )
  const text = fc.string({ unit: 'grapheme' }).map(text => text.replaceAll('\0', ''))
  fc.assert(
    fc.property(fc.dictionary(name, text), fc.dictionary(fc.string(), text), (texts, tags) => {
      const parameters = Object.fromEntries(
        Object.entries(texts).map(([key, value]) => [key, textToken(value)])
      )
      const options = {
        experimentName: 'e',
        runName: 'true',
        envManager: 'uv',
        pythonPin: 'minor',
        entryPoint: 'main'
      } as const
      const map = encodeHyperparameters({
        parameters,
        options,
        tags,
        projectPath: 'a/b',
        submitDirectory: 's3://b/k'
      })
      const decoded = decodeHyperparameters(map)
      t.same(decoded.faults, [])
      t.same(Object.entries(decoded.parameters).sort(), Object.entries(texts).sort())
      t.same(Object.entries(decoded.tags).sort(), Object.entries(tags).sort())
      t.same(decoded.options, options)
      t.equal(decoded.projectPath, 'a/b')
      t.equal(decoded.submitDirectory, 's3://b/k')
      // SageMaker's pattern for values is ".*".
      return Object.values(map).every(value => !/[\n\r\u0085\u2028\u2029]/.test(value))
    }),
    { numRuns: 50 }
  )
  t.end()
})

t.test('options may have hyphens or underscores', t => {
  t.same(
    optionsOf({ [`${optionPrefix}experiment-name`]: 'x', [`${optionPrefix}run_name`]: '"y"' }),
    { experimentName: 'x', runName: 'y' }
  )
  t.end()
})

t.test('no-conda means the local environment manager, however the flag is set', t => {
  for (const value of ['null', '"null"', 'true', 'True', 'None', '"None"', '']) {
    t.same(optionsOf({ [`${optionPrefix}no-conda`]: value }), { envManager: 'local' }, value)
    t.same(optionsOf({ [`${optionPrefix}no_conda`]: value }), { envManager: 'local' }, value)
  }
  t.same(optionsOf({ [`${optionPrefix}no-conda`]: 'false' }), {})
  t.match(faultsOf({ [`${optionPrefix}no-conda`]: 'maybe' }), [/is a flag and is "maybe"/])
  t.end()
})

t.test('options that contradict each other are faults', t => {
  t.match(
    faultsOf({ [`${optionPrefix}experiment-id`]: '1', [`${optionPrefix}experiment_name`]: 'x' }),
    [/experiment-id and sagemaker_mlflow_run_experiment_name name an experiment each/]
  )
  t.match(faultsOf({ [`${optionPrefix}no-conda`]: 'null', [`${optionPrefix}env-manager`]: 'uv' }), [
    /means the environment manager local/
  ])
  t.match(faultsOf({ [`${optionPrefix}run-name`]: 'a', [`${optionPrefix}run_name`]: 'b' }), [
    /are the same option/
  ])
  t.end()
})

t.test('an unknown option is a fault with the nearest name', t => {
  t.same(faultsOf({ [`${optionPrefix}experimant-name`]: 'x' }), [
    '/hyperparameters/sagemaker_mlflow_run_experimant-name: sagemaker_mlflow_run_experimant-name sets --experimant-name, which is no option of mlflow run; did you mean "experiment-name"?'
  ])
  t.match(faultsOf({ [`${optionPrefix}env-manager`]: 'cnda' }), [/did you mean "conda"/])
  t.match(faultsOf({ [`${optionPrefix}python-pin`]: 'major' }), [/can be exact or minor/])
  t.match(faultsOf({ [`${optionPrefix}run-name`]: 'None' }), [/needs a value and is None/])
  t.end()
})

t.test('options of mlflow run that make no sense in a container are faults', t => {
  for (const option of [
    'backend',
    'backend-config',
    'docker_args',
    'build-image',
    'version',
    'skip-image-inspection'
  ]) {
    t.match(faultsOf({ [optionPrefix + option]: 'null' }), [/which has no meaning here/], option)
  }
  t.end()
})

t.test('unknown names of ours are warned of, those of the platform dropped', t => {
  const decoded = decodeHyperparameters({
    sagemaker_mlflow_experiment_id: '2.0',
    sagemaker_mlflow_tag: '{}',
    sagemaker_program: '"train.py"',
    sagemaker_region: 'eu-west-1',
    _tuning_objective_metric: 'loss',
    x: '1'
  })
  t.same(decoded.warnings, [
    'The hyperparameter sagemaker_mlflow_experiment_id is unknown and was ignored; did you mean "sagemaker_mlflow_run_experiment-id"?',
    'The hyperparameter sagemaker_mlflow_tag is unknown and was ignored; did you mean "sagemaker_mlflow_tags"?'
  ])
  t.same({ ...decoded.parameters }, { x: '1' })
  t.same(decoded.faults, [])
  t.end()
})

t.test('tags may be JSON in JSON, and anything else is a fault', t => {
  t.same(
    { ...decodeHyperparameters({ sagemaker_mlflow_tags: '"{\\"a\\":\\"b\\"}"' }).tags },
    { a: 'b' }
  )
  for (const value of ["{'a': 'b'}", '[]', '{"a":1}', 'null']) {
    t.match(
      faultsOf({ sagemaker_mlflow_tags: value }),
      [/is to be a JSON object of strings/],
      value
    )
  }
  t.end()
})

t.test('names that would reach a shell are faults', t => {
  t.match(faultsOf({ 'x; id': '1' }), [/cannot be a parameter/])
  t.match(faultsOf({ x: '"\\u0000"' }), [/NUL/])
  t.end()
})
