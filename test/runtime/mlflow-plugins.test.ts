import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { testFolder } from '../helpers/folder.ts'
import { runRuntime } from '../helpers/runtime.ts'

const plugin = `import mlflow.types
import pandas

print("the plugin has pandas", pandas.__version__, mlflow.types.Schema)


def make_store(store_uri=None, artifact_uri=None):
    raise NotImplementedError
`

/** Stands in front of the real one, and gives way to it. */
const needy = `import sys

import numpy

print("it has numpy", numpy.__version__)
sys.path.remove(__file__.removesuffix("/mlflow/__init__.py"))
del sys.modules["mlflow"]
import mlflow
`

t.test('a plugin of MLflow’s finds what is hidden from MLflow itself', async t => {
  const folder = testFolder(t)
  const described = join(folder, 'packages', 'plugin-1.0.dist-info')
  await mkdir(described, { recursive: true })
  await writeFile(join(folder, 'packages', 'plugin.py'), plugin)
  await writeFile(
    join(described, 'METADATA'),
    'Metadata-Version: 2.1\nName: plugin\nVersion: 1.0\n'
  )
  await writeFile(
    join(described, 'entry_points.txt'),
    '[mlflow.tracking_store]\nplugin = plugin:make_store\n'
  )

  const project = await writeProject(folder)

  const { exitCode, log } = await runRuntime({
    base: join(folder, 'ml'),
    project,
    environment: { PYTHONPATH: join(folder, 'packages') }
  })

  t.equal(exitCode, 0)
  t.match(log, /the plugin has pandas \d.*Schema/)
})

t.test('an MLflow that cannot be imported without what is hidden has it', async t => {
  const folder = testFolder(t)
  const project = await writeProject(folder)
  await mkdir(join(folder, 'packages', 'mlflow'), { recursive: true })
  await writeFile(join(folder, 'packages', 'mlflow', '__init__.py'), needy)

  const { exitCode, log } = await runRuntime({
    base: join(folder, 'ml'),
    project,
    environment: { PYTHONPATH: join(folder, 'packages') }
  })

  t.equal(exitCode, 0)
  t.match(log, /it has numpy \d/)
})

t.test('MLflow itself is imported without them', async t => {
  const folder = testFolder(t)
  const project = await writeProject(folder)

  const { log } = await runRuntime({
    base: join(folder, 'ml'),
    project,
    environment: { PYTHONPROFILEIMPORTTIME: '1' }
  })

  t.match(log, /^import time: .*\| +mlflow$/m)
  // Python tells of what it did not find, too, but not of what that would have imported.
  t.notMatch(log, /^import time: .*\| +(numpy\.linalg|pandas\.core|pyarrow\.lib)$/m)
})

/** Its program knows nothing of MLflow. */
async function writeProject(folder: string): Promise<string> {
  const project = join(folder, 'project')
  await mkdir(project)
  await writeFile(join(project, 'MLproject'), 'entry_points:\n  main:\n    command: echo done\n')
  return project
}
