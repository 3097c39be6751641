import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { sendSignal } from '../../src/system/send-signal.ts'

t.test('ends a group, and does nothing where it is gone', async t => {
  const child = spawn('/bin/sh', ['-c', 'sleep 60 & wait'], { detached: true, stdio: 'ignore' })
  const { pid = 0 } = child
  await once(child, 'spawn')

  sendSignal(-pid, 'SIGKILL')

  t.strictSame(await once(child, 'exit'), [null, 'SIGKILL'])
  sendSignal(pid, 'SIGTERM')
  sendSignal(-pid, 'SIGTERM')
})

t.test('what is wrong besides is thrown', async t => {
  t.throws(() => sendSignal(process.pid, 'SIGNONE' as NodeJS.Signals), { code: /UNKNOWN_SIGNAL/ })
})
