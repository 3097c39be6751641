/** docs/operations.md and the dashboard beside it: what they name is there, and what they say to do works. */
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import t from 'tap'
import { parse } from 'yaml'
import { createFilesystem } from '../../src/server/storage/filesystem.ts'
import { modelKey } from '../../src/server/storage/index.ts'
import { openSqlite } from '../../src/server/store/node-sqlite.ts'
import { createStore } from '../../src/server/store/sql.ts'
import { testFolder } from '../helpers/folder.ts'
import { aJob } from '../helpers/job-record.ts'
import { startService } from '../helpers/service-process.ts'

const docs = join(import.meta.dirname, '../../docs')
const guide = await readFile(join(docs, 'operations.md'), 'utf8')
const dashboard = await readFile(join(docs, 'grafana-dashboard.json'), 'utf8')
const blocks = (language: string) =>
  [...guide.matchAll(/^```(\w+)\n(.*?)^```$/gms)].flatMap(([, name, text = '']) =>
    name === language ? [text] : []
  )
const [rules = ''] = blocks('yaml')
const alerts: { alert: string; expr: string }[] = parse(rules).groups[0].rules
const metricNames = (text: string) => new Set(text.match(/\b(mlflow_jobs|process|nodejs)_\w+/g))

t.test(
  'every metric of the dashboard and the alerts exists, and the page has every one',
  async t => {
    const { url } = await startService(t, testFolder(t))
    const text = await (await fetch(`${url}/metrics`)).text()
    const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)]
    const exported = new Set(
      types.flatMap(([, name, type]) =>
        type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name]
      )
    )
    const panels: { targets: { expr: string }[] }[] = JSON.parse(dashboard).panels
    const expressions = [
      ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
      ...alerts.map(({ expr }) => expr)
    ]

    t.ok(expressions.length > 30)
    for (const expression of expressions) {
      const unknown = [...metricNames(expression)].filter(name => !exported.has(name))
      t.same(unknown, [], expression)
    }
    const own = types.map(([, name = '']) => name).filter(name => name.startsWith('mlflow_jobs_'))
    t.same(
      own.filter(name => !guide.includes(`\`${name}\``)),
      []
    )
  }
)

t.test('every alert has its row: what it means and what to do', async t => {
  const rows = [...guide.matchAll(/^\| `(MlflowJobs\w+)` \| .+ \| .+ \|$/gm)].map(
    ([, name]) => name
  )

  t.same(
    rows,
    alerts.map(({ alert }) => alert)
  )
})

t.test('a backup of a running service, restored, has its jobs and their models', async t => {
  const folder = testFolder(t)
  const env = { DATA_DIR: join(folder, 'data'), BACKUP: join(folder, 'backup') }
  const [backup = '', restore = ''] = blocks('bash')
  const run = (script: string, DATA_DIR = env.DATA_DIR) =>
    execa('bash', ['-euo', 'pipefail', '-c', script], {
      env: { ...env, DATA_DIR, PATH: `${dirname(process.execPath)}:${process.env.PATH}` }
    })
  const storage = createFilesystem(env.DATA_DIR)
  const first = await startService(t, env.DATA_DIR)
  const store = await createStore(openSqlite(join(env.DATA_DIR, 'jobs.db')))
  await store.insert([aJob({ id: 'job-a', status: 'succeeded' }), aJob({ id: 'job-b' })])
  await store.close()
  await writeFile(join(folder, 'model'), 'the model')
  await storage.put(modelKey('job-a'), join(folder, 'model'))

  await run(backup)
  await first.stop()
  const restored = join(folder, 'restored')
  await run(restore, restored)

  const { url } = await startService(t, restored)
  const { items } = (await (await fetch(`${url}/jobs`)).json()) as { items: { id: string }[] }
  t.same(items.map(({ id }) => id).sort(), ['job-a', 'job-b'])
  t.equal(await (await fetch(`${url}/jobs/job-a/model`)).text(), 'the model')
})
