/** One service after the other on the same data folder, as an update does it, while clients submit. */
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { testFolder } from '../helpers/folder.ts'
import { freePort } from '../helpers/free-port.ts'
import { startService, submit } from '../helpers/service-process.ts'

t.test('a rolling restart under load loses nothing that was accepted', async t => {
  const dataDir = testFolder(t)
  const port = String(await freePort())
  let service = await startService(t, dataDir, { PORT: port })
  const accepted: string[] = []
  const strange: string[] = []
  let done = false
  const client = async (name: number) => {
    for (let n = 0; !done; n++)
      await submit(service.url, { 'idempotency-key': `${name}-${n}` }).then(
        ({ id }) => accepted.push(id),
        error => {
          if (!isOfRestart(error)) strange.push(describe(error))
          return sleep(20)
        }
      )
  }
  const clients = [client(1), client(2), client(3)]

  for (let restart = 0; restart < 3; restart++) {
    const before = accepted.length
    while (accepted.length < before + 5) await sleep(10)
    await service.stop()
    t.equal(await service.exited, 0)
    service = await startService(t, dataDir, { PORT: port })
  }
  done = true
  await Promise.all(clients)

  const { queued } = (await (await fetch(`${service.url}/jobs/summary`)).json()) as {
    queued: number
  }
  const lost = await Promise.all(
    accepted.map(async id => ((await fetch(`${service.url}/jobs/${id}`)).ok ? [] : [id]))
  )
  t.same(lost.flat(), [])
  t.same(strange, [], 'nobody is told but that the service is not there, or not yet')
  t.ok(queued >= accepted.length && accepted.length >= 15, `${accepted.length} were accepted`)
})

/**
 * No connection is taken, one that was not yet taken is reset by the kernel with the socket, one that was kept alive is
 * closed as it is used again, or the answer is a 503 of those that are documented.
 */
function isOfRestart(error: Error): boolean {
  const { code = '' } = (error.cause ?? {}) as NodeJS.ErrnoException
  if (['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(code)) return true
  try {
    const { status, code } = JSON.parse(error.message)
    return status === 503 && typeof code === 'string'
  } catch {
    return false
  }
}

const describe = ({ message, cause }: Error) => `${message} ${cause ?? ''}`
