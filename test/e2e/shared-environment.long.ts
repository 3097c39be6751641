/** Eight starts of Python and MLflow at once: too much for every run of the tests. */
import t from 'tap'
import { pack } from '../helpers/project.ts'
import { testService } from '../helpers/service.ts'

t.test('eight jobs at once share an environment that is built once', async t => {
  const { submit, ended, log } = await testService(t, { LOCAL_SLOTS: '8' })
  const project = await pack({
    MLproject:
      'python_env: python_env.yaml\nentry_points:\n  main:\n    command: python -c "import six; print(six.__version__)"\n',
    'python_env.yaml': 'dependencies:\n  - six==1.16.0\n'
  })

  const submitted = await Promise.all(Array.from({ length: 8 }, () => submit({ project })))
  const jobs = await Promise.all(submitted.map(({ id }) => ended(id)))

  t.same(
    jobs.map(({ status, failure }) => failure?.message ?? status),
    Array.from({ length: 8 }, () => 'succeeded')
  )
  const logs = await Promise.all(jobs.map(({ id }) => log(id)))
  t.ok(logs.every(text => text.includes('1.16.0')))
  t.equal(logs.filter(text => /Building|building/.test(text)).length > 0, true)
})
