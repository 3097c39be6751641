import t from 'tap'
import { testApp } from '../../helpers/app.ts'

t.test(
  'requests are counted by the route’s template, whatever callers put into addresses',
  async t => {
    const { app, metrics } = await testApp(t)
    const series = async () => {
      const answer = await app.inject('/metrics')
      t.match(answer.headers['content-type'], /^text\/plain; version=0\.0\.4/)
      return answer.body.split('\n').filter(line => line !== '' && !line.startsWith('#')).length
    }
    for (const url of ['/jobs/first', '/nowhere', '/jobs/first/model/files/a', '/metrics'])
      await app.inject(url)
    const before = await series()

    for (let n = 0; n < 50; n++) {
      await app.inject(`/jobs/job-${n}?wait=0`)
      await app.inject(`/nowhere/${n}`)
      await app.inject(`/jobs/job-${n}/model/files/${n}`)
    }

    t.equal(await series(), before)
    const { values } = await metrics.requests.get()
    const counts = values.filter(({ metricName = '' }) => metricName.endsWith('_count'))
    t.match(
      counts.find(({ labels }) => labels.route === '/jobs/:id'),
      { value: 51, labels: { method: 'GET', status: '4xx' } }
    )
    const problems = Object.fromEntries(
      (await metrics.problems.get()).values.map(({ labels, value }) => [labels.code, value])
    )
    t.same(problems, { JOB_NOT_FOUND: 102, NOT_FOUND: 51 })
  }
)
