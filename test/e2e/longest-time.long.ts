/** In a file of its own, for it takes its time: other files run meanwhile. */
import t from 'tap'
import { pack } from '../helpers/project.ts'
import { testService } from '../helpers/service.ts'

const endless = {
  MLproject: 'entry_points:\n  main:\n    command: python wait.py\n',
  'wait.py': `import mlflow, time
with mlflow.start_run():
    mlflow.log_metric("before", 1)
    mlflow.log_text("kept", "notes.txt")
    time.sleep(600)
`
}

t.test(
  'a job that runs for longer than it may has failed, and keeps what it had logged',
  async t => {
    const { submit, ended, url } = await testService(t)

    const { id } = await submit({
      project: await pack(endless),
      resources: { maxRuntimeSeconds: 40 }
    })
    const job = await ended(id)

    t.match(job, {
      status: 'failed',
      statusReason:
        'The job was stopped after its longest time of 40 s (resources.maxRuntimeSeconds).',
      failure: { kind: 'timeout' },
      backend: { status: 'MaxRuntimeExceeded' },
      resources: { maxRuntimeSeconds: 40 },
      metrics: { before: 1 }
    })
    const files = await (await fetch(`${url}/jobs/${id}/model/files`)).json()
    t.match(files, { items: [{ path: 'mlflow_run_artifacts/notes.txt' }] })
  }
)
