import { join } from 'node:path'
import t from 'tap'
import { pack, packFolder } from '../helpers/project.ts'
import { testService } from '../helpers/service.ts'

const examples = join(import.meta.dirname, '../../examples')

t.test('a project that pins an MLflow of years ago logs to the server of today', async t => {
  const { submit, ended, log } = await testService(t)
  const project = await pack({
    MLproject: `python_env: python_env.yaml
entry_points:
  main:
    parameters:
      alpha: {type: float, default: 0.5}
    command: python train.py {alpha}
`,
    'python_env.yaml': 'dependencies:\n  - mlflow-skinny==2.9.2\n',
    'train.py': `import sys, mlflow
print("mlflow", mlflow.__version__)
with mlflow.start_run():
    mlflow.log_param("alpha", float(sys.argv[1]))
    mlflow.log_metric("score", 1)
    mlflow.log_text("hello", "notes/hello.txt")
`
  })

  const { id } = await submit({ project, parameters: '{"alpha":1e-5}' })
  const job = await ended(id)

  t.match(await log(id), 'mlflow 2.9.2')
  t.match(job, { status: 'succeeded', metrics: { score: 1 }, model: { fileCount: 1 } })
})

t.test(
  'a multi-step project has a parent run and child runs, and all that they logged',
  async t => {
    const { submit, ended, url } = await testService(t)

    const { id } = await submit({ project: await packFolder(join(examples, 'multistep')) })
    const job = await ended(id)

    t.equal(job.status, 'succeeded', job.failure?.message ?? '')
    const { childRuns } = (await (await fetch(`${url}/jobs/${id}/metrics`)).json()) as {
      childRuns: { parentId: string; status: string }[]
    }
    t.ok(childRuns.length >= 2)
    t.ok(childRuns.every(({ parentId }) => parentId === job.run?.id))
    const [model] = job.model?.loggedModels ?? []
    t.match(model?.path ?? '', /^mlflow_run_artifacts\/child_runs\/[0-9a-f]{32}\//)
  }
)

t.test('a conda environment is built by uv where there is no conda', async t => {
  const { submit, ended, log } = await testService(t)

  // Asked for, since the training environment may have all that it requires.
  const { id } = await submit({
    project: await packFolder(join(examples, 'conda')),
    run: { envManager: 'uv' }
  })
  const job = await ended(id)

  t.equal(job.status, 'succeeded', `${job.failure?.message}\n${await log(id)}`)
  t.match(await log(id), /Building the environment of conda\.yaml by uv/)
})

t.test('a Python that cannot be had is named, with those there are', async t => {
  const { submit, ended } = await testService(t)
  const project = await pack({
    MLproject: 'python_env: env.yaml\nentry_points:\n  main:\n    command: "true"\n',
    'env.yaml': 'python: "3.5.1"\n'
  })

  const { id } = await submit({ project })
  const job = await ended(id)

  t.match(job, { status: 'failed', failure: { kind: 'user', message: /3\.5\.1/ } })
})
