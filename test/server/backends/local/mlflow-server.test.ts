import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import {
  createMlflowServer,
  type MlflowServer
} from '../../../../src/server/backends/local/mlflow-server.ts'
import { testFolder } from '../../../helpers/folder.ts'
import { python } from '../../../helpers/python.ts'

function open(t: Test, folder: string, interpreter = python()) {
  const notices: string[] = []
  const server = createMlflowServer({
    folder,
    python: interpreter,
    environment: { PATH: process.env.PATH ?? '', LANG: 'C.UTF-8' },
    onProgress() {},
    onNotice: text => void notices.push(text)
  })
  t.teardown(() => server.close({ keep: false }))
  return { server, notices }
}

const recordFile = (folder: string) => join(folder, 'mlflow-server.json')

const groupOf = async (folder: string): Promise<number> =>
  JSON.parse(await readFile(recordFile(folder), 'utf8')).pid

const isAlive = (group: number) => {
  try {
    return process.kill(-group, 0)
  } catch {
    return false
  }
}

async function until(server: MlflowServer, up: boolean) {
  while ((server.uri() !== null) !== up) await sleep(50)
}

async function experiment(uri: string | null) {
  const response = await fetch(`${uri}/api/2.0/mlflow/experiments/get?experiment_id=0`)
  const { experiment } = (await response.json()) as { experiment: object }
  return experiment
}

t.test('is one server, found again, kept up at its address, and ended at the end', async t => {
  const folder = join(t.testdir({ 'data #1%20': {} }), 'data #1%20')
  // What answers at the port that the record names is not ours, however well it is.
  const foreign = createServer((_, response) => response.end('OK')).listen(0, '127.0.0.1')
  await once(foreign, 'listening')
  t.teardown(() => foreign.close())
  const { port } = foreign.address() as AddressInfo
  await writeFile(recordFile(folder), JSON.stringify({ pid: process.pid, port, python: python() }))

  const first = open(t, folder)
  t.equal(first.server.uri(), null)
  const uri = await first.server.ready()
  t.not(new URL(uri).port, String(port))
  t.match(await experiment(uri), { artifact_location: 'mlflow-artifacts:/0' })
  const group = await groupOf(folder)
  await first.server.close({ keep: true })
  t.ok(isAlive(group), 'it outlives who started it')

  const second = open(t, folder)
  t.equal(await second.server.ready(), uri)
  t.equal(await groupOf(folder), group)
  t.equal(await second.server.check(), true)

  process.kill(-group, 'SIGKILL')
  await until(second.server, false)
  await until(second.server, true)
  t.equal(second.server.uri(), uri, 'running jobs hold this address')
  t.strictSame(second.notices, [
    `The mlflow server at ${uri} ended; it is started again.`,
    `The mlflow server is up again at ${uri}.`
  ])

  const last = await groupOf(folder)
  await second.server.close({ keep: false })
  t.notOk(isAlive(last))
  await t.rejects(readFile(recordFile(folder)), { code: 'ENOENT' })
})

t.test('says why it does not start, and can be asked again', async t => {
  const folder = testFolder(t)
  const interpreter = join(folder, 'python')
  await writeFile(interpreter, '#!/bin/sh\necho "No module named mlflow" >&2\nexit 3\n', {
    mode: 0o755
  })
  const { server } = open(t, folder, interpreter)
  for (let n = 0; n < 2; n++)
    await t.rejects(server.ready(), {
      message: `The mlflow server over ${folder} ended by itself (exit code 3). The end of its log: No module named mlflow`
    })
  t.equal(server.uri(), null)
  t.equal(await server.check(), false)
})

t.test('closing ends the waiting for one that is being started', async t => {
  const folder = testFolder(t)
  const interpreter = join(folder, 'python')
  await writeFile(interpreter, '#!/bin/sh\nexec sleep 600\n', { mode: 0o755 })
  const { server } = open(t, folder, interpreter)
  const ready = t.rejects(server.ready(), { message: 'The mlflow server is being closed.' })
  const group = await recordedGroup(folder)
  await server.close({ keep: false })
  await ready
  t.notOk(isAlive(group))
})

async function recordedGroup(folder: string): Promise<number> {
  for (;;) {
    const group = await groupOf(folder).catch(() => undefined)
    if (group !== undefined) return group
    await sleep(20)
  }
}
