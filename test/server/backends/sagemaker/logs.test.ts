import { access, appendFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import {
  createJobLogs,
  type JobLogs,
  type JobLogsOptions
} from '../../../../src/server/backends/sagemaker/logs.ts'
import { type CloudWatch, startCloudWatch, throttled } from '../../../helpers/cloudwatch.ts'
import { testFolder } from '../../../helpers/folder.ts'

interface Place {
  cloudWatch: CloudWatch
  folder: string
  problems: string[]
  /** As a service that was started (anew) over the folder has them. */
  start(options?: Partial<JobLogsOptions> & { hosts?: number }): JobLogs
}

async function place(t: Test): Promise<Place> {
  const cloudWatch = await startCloudWatch(t)
  const folder = testFolder(t)
  const problems: string[] = []
  return {
    cloudWatch,
    folder,
    problems,
    start({ hosts = 1, ...options } = {}) {
      const logs = createJobLogs({
        client: cloudWatch.client,
        folder,
        hostsOf: () => hosts,
        onProblem: text => void problems.push(text),
        pollMilliseconds: 10,
        settleMilliseconds: 50,
        ...options
      })
      t.teardown(() => logs.close())
      return logs
    }
  }
}

const id = 'job-1'
const stream = (host: number, begun = 1) => `${id}/algo-${host}-${begun}`

/** The log from `offset` on as it is shown now; undefined: there is none. */
async function shown(logs: JobLogs, offset = 0, job = id): Promise<string | undefined> {
  const source = await logs.open(job)
  if (!source) return undefined
  const text = await source.read(offset, 1024 * 1024)
  await source.close()
  return text.toString()
}

async function until(logs: JobLogs, text: string): Promise<string> {
  for (;;) {
    const log = await shown(logs)
    if (log?.includes(text)) return log
    await sleep(5)
  }
}

const finished = async (logs: JobLogs, job = id) => {
  const file = await logs.finish(job, new Date())
  return file && (await readFile(file, 'utf8'))
}

t.test('the log of one host is what it printed, line by line', async t => {
  const { cloudWatch, start } = await place(t)
  cloudWatch.print(stream(1), [1, 'one'], [1, ' 50%\r100%'], [2, 'two\nthree'], [3, 'ü\u2028'])

  const log = await finished(start())

  t.equal(log, 'one\n 50%\r100%\ntwo\nthree\nü\u2028\n')
})

t.test('the logs of three hosts are one by time, each line with its host', async t => {
  const { cloudWatch, start } = await place(t)
  cloudWatch.pageEvents = 2
  cloudWatch.pageStreams = 2
  cloudWatch.print(stream(2), [2, 'b'], [4, 'd\nand\rmore'], [6, 'f'])
  cloudWatch.print(stream(1), [1, 'a'], [4, 'c'], [5, 'e'], [9, 'h'])
  cloudWatch.print(stream(3), [7, 'g'], [7, 'g again'])
  cloudWatch.print('job-10/algo-1-1', [1, "another job's"])

  const log = await finished(start({ hosts: 3 }))

  const lines = [
    '1] a',
    '2] b',
    '1] c',
    '2] d',
    '2] and\rmore',
    '1] e',
    '2] f',
    '3] g',
    '3] g again',
    '1] h'
  ]
  t.strictSame(log?.split('\n'), [...lines.map(line => `[algo-${line}`), ''])
})

t.test('what a host printed after a spot restart follows what it printed before', async t => {
  const { cloudWatch, start } = await place(t)
  cloudWatch.print(stream(1, 100), [1, 'before'])
  const logs = start()
  await until(logs, 'before\n')
  cloudWatch.print(stream(1, 200), [5, 'after'])

  const log = await until(logs, 'after\n')

  t.equal(log, 'before\nafter\n')
})

t.test('empty pages do not end the log', async t => {
  const { cloudWatch, start } = await place(t)
  cloudWatch.emptyPages = true
  cloudWatch.pageEvents = 1
  cloudWatch.print(stream(1), [1, 'a'], [2, 'b'], [3, 'c'])

  const log = await finished(start())

  t.equal(log, 'a\nb\nc\n')
})

t.test('there is no log, and no error, while group and stream are missing', async t => {
  const { cloudWatch, start, problems } = await place(t)
  const logs = start()

  const before = await shown(logs)
  cloudWatch.print(stream(1), [1, 'hello'])
  const after = await until(logs, 'hello')

  t.equal(before, '')
  t.equal(after, 'hello\n')
  t.strictSame(problems, [])
})

t.test('a job that printed nothing has no log', async t => {
  const { start, folder } = await place(t)
  const logs = start()

  t.equal(await logs.finish(id, undefined), undefined)
  t.equal(await shown(logs), undefined)

  await logs.forget(id)
  await t.rejects(access(join(folder, 'jobs', id, 'sagemaker')), { code: 'ENOENT' })
})

t.test('what arrives late is shown behind what was shown, whatever its time', async t => {
  const { cloudWatch, start } = await place(t)
  cloudWatch.print(stream(1), [10, 'a'], [20, 'b'])
  const logs = start({ hosts: 2 })
  const early = await until(logs, 'b\n')
  cloudWatch.print(stream(2), [5, 'late'])
  cloudWatch.print(stream(1), [30, 'c'])

  const log = await finished(logs)

  t.ok(log?.startsWith(early))
  t.strictSame(log?.slice(early.length).split('\n').sort(), ['', '[algo-1] c', '[algo-2] late'])
})

t.test('what is printed around the end of a job is collected as well', async t => {
  const { cloudWatch, start } = await place(t)
  cloudWatch.print(stream(1), [1, 'a'])
  const finishing = finished(start())
  await sleep(25)
  cloudWatch.print(stream(1), [2, 'b'])

  t.equal(await finishing, 'a\nb\n')
})

t.test('CloudWatch is asked by one reader a job, however many ask for the log', async t => {
  const { cloudWatch, start } = await place(t)
  cloudWatch.print(stream(1), [1, 'a'])
  const logs = start({ pollMilliseconds: 3_600_000 })

  const first = await Promise.all(Array.from({ length: 50 }, () => until(logs, 'a\n')))
  for (let n = 0; n < 500; n++) await shown(logs)

  t.strictSame(new Set(first), new Set(['a\n']))
  // The second GetLogEvents is answered by the token that it sent: the end.
  const operations = cloudWatch.calls.map(({ operation }) => operation)
  t.strictSame(operations, ['DescribeLogStreams', 'GetLogEvents', 'GetLogEvents'])
})

t.test('reading rests while nobody asks, and goes on when somebody does', async t => {
  const { cloudWatch, start } = await place(t)
  cloudWatch.print(stream(1), [1, 'a'])
  const logs = start({ restMilliseconds: 50 })
  await until(logs, 'a\n')

  let calls: number
  do {
    calls = cloudWatch.calls.length
    await sleep(200)
  } while (cloudWatch.calls.length > calls)
  cloudWatch.print(stream(1), [2, 'b'])

  t.equal(await until(logs, 'b\n'), 'a\nb\n')
})

t.test('the streams are asked for seldom', async t => {
  const { cloudWatch, start } = await place(t)
  const logs = start({ hosts: 2 })
  for (let n = 0; n < 100; n++) {
    cloudWatch.print(stream(1 + (n % 2)), [n, `line ${n}.`])
    await until(logs, `line ${n}.`)
  }

  const seldom = cloudWatch.count('DescribeLogStreams')
  t.ok(seldom * 5 < cloudWatch.count('GetLogEvents'), `asked ${seldom} times`)
})

t.test('two followers and a later reader see the same bytes, wherever they begin', async t => {
  const { cloudWatch, start } = await place(t)
  const logs = start({ hosts: 2 })
  const follow = async (wait: number) => {
    let seen = ''
    while (!seen.includes('the end')) {
      seen += (await shown(logs, Buffer.byteLength(seen))) ?? ''
      await sleep(wait)
    }
    return seen
  }
  const followers = [follow(1), follow(37)]
  for (let n = 0; n < 30; n++) {
    cloudWatch.print(stream(1), [n * 10, `one ${n}`])
    cloudWatch.print(stream(2), [n * 9 - 50, `zwölf ${n}`])
    await sleep(4)
  }
  cloudWatch.print(stream(2), [1000, 'the end'])

  const [one, other] = await Promise.all(followers)

  const later = await finished(logs)
  t.equal(one, later)
  t.equal(other, later)
  t.equal(later?.split('\n').length, 62)
})

t.test('a restart in the middle loses nothing, doubles nothing, changes nothing', async t => {
  const { cloudWatch, start, folder } = await place(t)
  cloudWatch.pageEvents = 3
  for (let n = 0; n < 20; n++) cloudWatch.print(stream(1 + (n % 2)), [n, `line ${n}.`])
  const first = start({ hosts: 2 })
  const before = await until(first, 'line 19.')
  await first.close()
  // A write that was cut off: nobody was shown it.
  await appendFile(join(folder, 'jobs', id, 'sagemaker', 'log.txt'), '[algo-1] line 2')
  for (let n = 20; n < 40; n++) cloudWatch.print(stream(1 + (n % 2)), [n, `line ${n}.`])

  const second = start({ hosts: 2 })
  const between = await shown(second)
  const log = await finished(second)

  const lines = Array.from({ length: 40 }, (_, n) => `[algo-${1 + (n % 2)}] line ${n}.\n`)
  t.equal(before, lines.slice(0, 20).join(''))
  t.equal(between, before)
  t.equal(log, lines.join(''))
})

t.test('collecting to the end may be asked for again, also after a restart', async t => {
  const { cloudWatch, start } = await place(t)
  cloudWatch.print(stream(1), [1, 'a'])
  const first = start()

  const both = await Promise.all([finished(first), finished(first)])
  const calls = cloudWatch.calls.length
  await first.close()
  const again = await finished(start())

  t.strictSame([...both, again], ['a\n', 'a\n', 'a\n'])
  t.equal(cloudWatch.calls.length, calls)
})

t.test('tokens that have expired are no harm', async t => {
  const { cloudWatch, start } = await place(t)
  cloudWatch.pageEvents = 2
  for (let n = 0; n < 5; n++) cloudWatch.print(stream(1), [n, `line ${n}`])
  const first = start()
  await until(first, 'line 4')
  await first.close()
  cloudWatch.expireTokens()
  for (let n = 5; n < 8; n++) cloudWatch.print(stream(1), [n, `line ${n}`])

  const log = await finished(start())

  t.equal(log, Array.from({ length: 8 }, (_, n) => `line ${n}\n`).join(''))
})

t.test('throttled calls and those that the service fails at are tried again', async t => {
  const { cloudWatch, start, problems } = await place(t)
  cloudWatch.pageEvents = 1
  for (let n = 0; n < 10; n++) cloudWatch.print(stream(1), [n, `line ${n}`])
  const failures = [throttled, { name: 'InternalFailure', status: 500, message: 'Sorry' }]
  let calls = 0
  cloudWatch.refuse = () => failures[calls++ % 3]

  const log = await finished(start())

  t.equal(log, Array.from({ length: 10 }, (_, n) => `line ${n}\n`).join(''))
  t.strictSame(problems, [])
})

t.test('a right that is denied for a moment costs nothing of the log', async t => {
  const { cloudWatch, start, problems } = await place(t)
  cloudWatch.print(stream(1), [1, 'a'])
  const denied = { name: 'AccessDeniedException', status: 400, message: 'Not yet' }
  let calls = 0
  cloudWatch.refuse = () => (calls++ < 3 ? denied : undefined)

  t.equal(await finished(start()), 'a\n')
  t.strictSame(problems, [])
})

t.test(
  'without the right to read it, the log is as far as it came, and the problem is said',
  async t => {
    const { cloudWatch, start, problems } = await place(t)
    cloudWatch.print(stream(1), [1, 'a'])
    const logs = start()
    await until(logs, 'a\n')
    const message = 'User: x is not authorized to perform: logs:GetLogEvents'
    cloudWatch.refuse = () => ({ name: 'AccessDeniedException', status: 400, message })
    cloudWatch.print(stream(1), [2, 'b'])

    const log = await finished(logs)

    t.equal(log, 'a\n')
    t.match(
      problems[0],
      `The log of job ${id} cannot be collected: AccessDeniedException: ${message}`
    )
    t.match(problems[0], 'needs logs:DescribeLogStreams and logs:GetLogEvents')
  }
)

t.test(
  'a service that cannot be reached holds up the end of a job no longer than it may',
  async t => {
    const { cloudWatch, start, problems } = await place(t)
    cloudWatch.refuse = () => ({ name: 'ServiceUnavailable', status: 503, message: 'Away' })

    const log = await start({ patienceMilliseconds: 50 }).finish(id, undefined)

    t.equal(log, undefined)
    t.match(problems, [/ServiceUnavailable: Away/])
  }
)

t.test('a job that was forgotten leaves nothing, and asking for it begins nothing', async t => {
  const { cloudWatch, start, folder } = await place(t)
  cloudWatch.print(stream(1), [1, 'a'])
  const logs = start()
  await until(logs, 'a\n')
  const source = await logs.open(id)

  await logs.forget(id)
  const calls = cloudWatch.calls.length
  const after = await logs.open(id)
  await sleep(50)

  t.equal(after, undefined)
  t.equal(cloudWatch.calls.length, calls)
  await t.rejects(access(join(folder, 'jobs', id, 'sagemaker')), { code: 'ENOENT' })
  t.equal(String(await source?.read(0, 100)), 'a\n', 'who has it open reads it to its end')
  await source?.close()
})

t.test('a log of many pages is written in pieces, which are shown meanwhile', async t => {
  const { cloudWatch, start, folder } = await place(t)
  cloudWatch.pageEvents = 250
  const line = 'x'.repeat(1_000)
  for (let n = 0; n < 12_000; n++) cloudWatch.print(stream(1 + (n % 3)), [n, `${n} ${line}`])
  const sizes = new Set<number>()
  const logs = start({ hosts: 3 })
  const finishing = logs.finish(id, undefined)
  let done = false
  finishing.finally(() => {
    done = true
  })
  while (!done) {
    const source = await logs.open(id)
    sizes.add((await source?.sizeBytes()) ?? 0)
    await source?.close()
    await sleep(1)
  }

  const log = await readFile((await finishing) ?? '', 'utf8')

  const lines = log.split('\n').slice(0, -1)
  t.equal(lines.length, 12_000)
  t.ok(lines.every((text, n) => text === `[algo-${1 + (n % 3)}] ${n} ${line}`))
  t.ok(sizes.size > 2, 'it grew step by step')
  const state = await readFile(join(folder, 'jobs', id, 'sagemaker', 'log-state.json'), 'utf8')
  t.match(JSON.parse(state), { sizeBytes: Buffer.byteLength(log), finished: true })
})

const news = (run: string, metrics: string) =>
  `mlflow-jobs-metrics: {"run":"${run}","metrics":{${metrics}}}`

t.test(
  'lines that tell metrics are taken out of the log, and the last values are known',
  async t => {
    const { cloudWatch, start } = await place(t)
    const logs = start()
    cloudWatch.print(stream(1), [1, 'one'], [2, news('a', '"loss":1,"gap":"NaN"')], [3, 'two'])
    await until(logs, 'two')
    t.strictSame(logs.metrics(id), { gap: 'NaN', loss: 1 })

    cloudWatch.print(stream(1), [4, `three\n${news('a', '"loss":0.5')}\nfour`])
    await until(logs, 'four')
    t.strictSame(logs.metrics(id), { gap: 'NaN', loss: 0.5 })

    const odd = 'mlflow-jobs-metrics: {"loss": "low"}'
    cloudWatch.print(stream(1), [5, odd], [6, news('a', '"last":2')])
    t.equal(await finished(logs), `one\ntwo\nthree\nfour\n${odd}\n`)
    t.strictSame(logs.metrics(id), { gap: 'NaN', last: 2, loss: 0.5 })
  }
)

t.test('metrics of several hosts’ logs are those of the run', async t => {
  const { cloudWatch, start } = await place(t)
  const logs = start({ hosts: 2 })
  cloudWatch.print(stream(1), [1, 'one'], [2, news('a', '"loss":1')])
  cloudWatch.print(stream(2), [3, 'two'])

  t.equal(await finished(logs), '[algo-1] one\n[algo-2] two\n')
  t.strictSame(logs.metrics(id), { loss: 1 })
})

t.test('the metrics are known after a restart, and a run that begins anew has its own', async t => {
  const { cloudWatch, start } = await place(t)
  const first = start()
  cloudWatch.print(stream(1, 1), [1, news('a', '"loss":1,"gone":2')], [2, 'one'])
  await until(first, 'one')
  await first.close()

  const second = start()
  await until(second, 'one')
  t.strictSame(second.metrics(id), { gone: 2, loss: 1 })

  cloudWatch.print(stream(1, 2), [3, news('b', '"loss":3')], [4, 'two'])
  await finished(second)
  t.strictSame(second.metrics(id), { loss: 3 })
})
