/** A job that takes too much memory, under the whole service. */
import t from 'tap'
import { pack } from '../helpers/project.ts'
import { testService } from '../helpers/service.ts'

const hog = {
  MLproject: 'entry_points:\n  main:\n    command: python hog.py\n',
  'hog.py': `import mlflow, subprocess, sys, time
take = "kept = b'1' * (400 * 2 ** 20); import time; time.sleep(600)"
with mlflow.start_run():
    mlflow.log_metric("before", 1)
    hogs = [subprocess.Popen([sys.executable, "-c", take]) for _ in range(4)]
    time.sleep(600)
`
}

const modest = {
  MLproject: 'entry_points:\n  main:\n    command: echo done\n'
}

t.test(
  'a job that takes too much says so, keeps what it had logged, and troubles nobody',
  async t => {
    const { submit, ended, url } = await testService(t, { LOCAL_SLOTS: '2' })

    const { id } = await submit({ project: await pack(hog), resources: { memoryMb: 1200 } })
    const job = await ended(id)
    const other = await submit({ project: await pack(modest) })

    t.match(job, {
      status: 'failed',
      statusReason: 'The job used more than its 1200 MiB of memory (resources.memoryMb).',
      failure: { kind: 'user', exitCode: 137 },
      resources: { memoryMb: 1200 },
      metrics: { before: 1 }
    })
    t.match(await ended(other.id), { status: 'succeeded' })
    t.equal((await fetch(`${url}/readyz`)).status, 200)
  }
)
