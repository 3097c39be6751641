import t from 'tap'
import { pipName, readCondaPackage } from '../../src/contract/conda-packages.ts'

for (const [spec, requirement] of [
  ['numpy', 'numpy'],
  ['numpy=1.19.2', 'numpy==1.19.2'],
  ['numpy=1.19', 'numpy==1.19.*'],
  ['numpy=1', 'numpy==1.*'],
  ['numpy==1.19', 'numpy==1.19'],
  ['numpy=1.19.2=py38h54aff64_0', 'numpy==1.19.2'],
  ['numpy=1.19=py38_0', 'numpy==1.19'],
  ['numpy==1.19.2=py38_0', 'numpy==1.19.2'],
  ['numpy=1.19.*', 'numpy==1.19.*'],
  ['numpy 1.19.*', 'numpy==1.19.*'],
  ['numpy 1.19.2 py38_0', 'numpy==1.19.2'],
  ['numpy>=1.19,<2', 'numpy>=1.19,<2'],
  ['numpy >= 1.19, < 2', 'numpy>=1.19,<2'],
  ['numpy>=1.19.*', 'numpy>=1.19'],
  ['numpy!=1.20', 'numpy!=1.20'],
  ['numpy~=1.19', 'numpy~=1.19'],
  ['numpy=*', 'numpy'],
  ['numpy *', 'numpy'],
  ['numpy=2.0.0rc1', 'numpy==2.0.0rc1'],
  ['conda-forge::numpy=1.19.2', 'numpy==1.19.2'],
  ['conda-forge/linux-64::numpy', 'numpy'],
  ["numpy[version='>=1.19,<2']", 'numpy>=1.19,<2'],
  ['numpy[build=py38_0]', 'numpy'],
  ['NumPy', 'numpy'],
  ['numpy # the newest', 'numpy'],
  ['pytorch=2.1.0', 'torch==2.1.0'],
  ['pytorch::pytorch-cpu', 'torch'],
  ['py-xgboost=1.7.6', 'xgboost==1.7.6'],
  ['matplotlib-base', 'matplotlib'],
  ['msgpack-python', 'msgpack'],
  ['scikit-learn=0.24.2', 'scikit-learn==0.24.2'],
  ['ruamel_yaml', 'ruamel.yaml'],
  ['libclang', 'libclang']
] as const) {
  t.test(`the conda package ${spec} is ${requirement} to pip`, t => {
    const found = readCondaPackage(spec)
    t.equal(found && `${pipName(found.name)}${found.version}`, requirement)
    t.equal(found?.versionDropped, false)
    t.end()
  })
}

t.test('versions that pip has no words for are left out, and said to be', t => {
  for (const spec of ['numpy=1.19|1.20', 'tzdata=2021_a', 'numpy>=1.19|<1', 'numpy=1_0']) {
    t.match(readCondaPackage(spec), { version: '', versionDropped: true }, spec)
  }
  t.end()
})

t.test('packages that are no Python have no name', t => {
  for (const name of [
    'cudatoolkit',
    'libgcc-ng',
    '_libgcc_mutex',
    'r-base',
    'nodejs',
    'openjdk',
    'mkl',
    'ld_impl_linux-64',
    'gcc_linux-64',
    'wget',
    'graphviz'
  ]) {
    t.equal(pipName(name), undefined, name)
  }
  t.end()
})

t.test('what is no package is told', t => {
  for (const spec of ['', '=1', '::', '>=1', '[x]'])
    t.equal(readCondaPackage(spec), undefined, spec)
  t.end()
})
