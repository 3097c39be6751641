/** A tracking server that does not answer while a program runs: metrics cannot be told, and that is all. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { testFolder } from '../helpers/folder.ts'
import { trackingUri } from '../helpers/mlflow.ts'
import { readResults, startRuntime } from '../helpers/runtime.ts'

/** The tracking server behind something that can keep requests to itself. */
async function place(t: Test) {
  const behind = await trackingUri()
  const state = { isSilent: false, keptRequests: 0 }
  const server = createServer(async (request, response) => {
    if (state.isSilent) return void state.keptRequests++
    const { method = 'GET', url = '/' } = request
    const body = await buffer(request)
    const answer = await fetch(behind + url, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body.length > 0 ? { body: new Uint8Array(body) } : {})
    })
    response.writeHead(answer.status, { 'content-type': 'application/json' })
    response.end(Buffer.from(await answer.arrayBuffer()))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return { state, uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

t.test('a tracking server that is silent while the program runs does not hold it up', async t => {
  const { state, uri } = await place(t)
  const { tree, subprocess } = await startRuntime({
    base: testFolder(t),
    project: 'sleeps',
    environment: { MLFLOW_TRACKING_URI: uri }
  })
  for await (const line of subprocess.iterable({ from: 'all' })) {
    if (line === 'begun') state.isSilent = true
    if (line === 'done') state.isSilent = false
  }
  const { exitCode, all: log } = await subprocess

  t.equal(exitCode, 0, log)
  t.equal(state.keptRequests, 1, 'the metrics were asked for once, and not yet again')
  t.match(readResults(tree).report, { run: { status: 'FINISHED' }, failure: null })
  t.notMatch(log, /warning|retry/i)
})
