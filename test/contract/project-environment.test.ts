import t from 'tap'
import { readProject } from '../../src/contract/mlproject.ts'
import { projectFiles } from '../helpers/project-files.ts'

const read = (head: string, texts: Record<string, string>, folder = '') => {
  const prefix = folder === '' ? '' : `${folder}/`
  const MLproject = `${head}\nentry_points: {main: {command: "true"}}\n`
  return readProject(folder, projectFiles({ ...texts, [`${prefix}MLproject`]: MLproject }))
}
const environment = (head: string, texts: Record<string, string>, folder = '') =>
  read(head, texts, folder).project?.environment
const faults = (head: string, texts: Record<string, string>, folder = '') =>
  read(head, texts, folder).faults.map(fault => fault.detail)
const warnings = (head: string, texts: Record<string, string>) => read(head, texts).warnings

t.test('a python_env is read with its requirement files', t => {
  const texts = {
    'python_env.yaml':
      'python: "3.11.4"\nbuild_dependencies: [pip, "setuptools<70"]\ndependencies:\n  - mlflow==3.1\n  - -r requirements.txt\n',
    'requirements.txt': 'numpy\n'
  }
  t.same(environment('python_env: python_env.yaml', texts), {
    kind: 'python_env',
    file: 'python_env.yaml',
    python: '3.11.4',
    requirements: ['mlflow==3.1', 'numpy'],
    buildRequirements: ['pip', 'setuptools<70'],
    untranslated: []
  })
  t.end()
})

t.test('a conda_env is translated to what pip installs', t => {
  const conda = `name: x
channels: [conda-forge]
dependencies:
  - python=3.8.6
  - pip=20.2
  - pytorch=1.7.1=py3.8_cuda
  - scikit-learn>=0.24
  - cudatoolkit=11.0
  - pip:
      - mlflow==1.14
      - -r more.txt
prefix: /opt/conda
`
  t.same(
    environment('conda_env: env/conda.yaml', { 'env/conda.yaml': conda, 'env/more.txt': 'six' }),
    {
      kind: 'conda_env',
      file: 'env/conda.yaml',
      python: '3.8.6',
      requirements: ['torch==1.7.1', 'scikit-learn>=0.24', 'mlflow==1.14', 'six'],
      buildRequirements: ['pip==20.2.*'],
      untranslated: ['cudatoolkit=11.0']
    }
  )
  t.match(warnings('conda_env: c.yaml', { 'c.yaml': 'dependencies: [cudatoolkit]' }), [
    'c.yaml: without conda these packages are not installed, for pip has none of that name: cudatoolkit.'
  ])
  t.end()
})

for (const [spec, version] of [
  ['python=3.8', '3.8'],
  ['python==3.8.6', '3.8.6'],
  ['python=3', '3'],
  ['python=3.10.*', '3.10'],
  ['python 3.9', '3.9'],
  ['python>=3.8', '>=3.8'],
  ['python>=3.8,<3.11', '>=3.8,<3.11'],
  ['python', null]
] as const) {
  t.test(`${spec} wants the Python ${version ?? 'that there is'}`, t => {
    t.equal(
      environment('conda_env: c.yaml', { 'c.yaml': `dependencies: ["${spec}"]` })?.python,
      version
    )
    t.end()
  })
}

t.test('a Python version without quotes is read as it is written', t => {
  const texts = { 'python_env.yaml': '# env\npython: 3.10\n' }
  t.equal(environment('', texts)?.python, '3.10')
  t.match(warnings('', texts), [/"python: 3.10" lacks quotes/])
  t.match(faults('', { 'python_env.yaml': 'python: [3]' }), [
    /"python" is to be a version in quotes/
  ])
  t.end()
})

t.test('environment files of the archive may lie outside of the project, others may not', t => {
  const texts = { 'python_env.yaml': 'dependencies: [six]' }
  t.same(environment('python_env: ../python_env.yaml', texts, 'project')?.file, 'python_env.yaml')
  t.same(faults('python_env: ../../python_env.yaml', texts, 'project'), [
    'python_env names ../../python_env.yaml, which lies outside of the archive; pack it, too.'
  ])
  t.same(faults('conda_env: /etc/conda.yaml', texts, 'project'), [
    'conda_env names /etc/conda.yaml, which lies outside of the archive; pack it, too.'
  ])
  t.end()
})

t.test('every fault of an environment is told at once', t => {
  const texts = {
    'conda.yaml':
      'dependencies:\n  - 5\n  - {python: 3.8}\n  - "=1"\n  - pip:\n    - 3\n    - -r none.txt\n'
  }
  t.match(faults('conda_env: conda.yaml', texts), [
    /holds 5, and is to hold packages/,
    /holds \{'python': 3\.8\}/,
    /"=1", which is no conda package/,
    /holds 3, which is no text/,
    /requirements file none.txt, which is not in the project/
  ])
  t.end()
})

t.test('what cannot be used is refused with the reason', t => {
  t.match(faults('docker_env: {image: x}', {}), [/docker_env, and a job runs no other container/])
  t.match(faults('databricks_spark_job: {python_file: a.py}', {}), [/which only Databricks runs/])
  t.match(faults('python_env: a.yaml\nconda_env: b.yaml', {}), [
    /names python_env and conda_env, and can name one/
  ])
  t.match(faults('conda_env: c.yaml', { 'c.yaml': 'a: b: c' }), [/c.yaml is no YAML: line 1/])
  t.match(faults('conda_env: c.yaml', { 'c.yaml': '- numpy' }), [/is to hold a map/])
  t.match(faults('conda_env: c.yaml', { 'c.yaml': 'dependencies: numpy' }), [/is to be a list/])
  t.end()
})

t.test('an empty environment installs nothing, and says so', t => {
  t.match(environment('conda_env: c.yaml', { 'c.yaml': '' }), {
    kind: 'conda_env',
    requirements: []
  })
  t.match(warnings('conda_env: c.yaml', { 'c.yaml': '' }), [/is empty: nothing will be installed/])
  t.match(warnings('', { 'python_env.yaml': 'name: x\n' }), [/name: MLflow knows only python/])
  t.end()
})
