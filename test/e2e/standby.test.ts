/** A runtime that waited for its job: nothing of that is seen by the job, and nothing is left of one that waited in vain. */
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { testFolder } from '../helpers/folder.ts'
import { trackingUri } from '../helpers/mlflow.ts'
import { noSandbox } from '../helpers/no-sandbox.ts'
import { pack } from '../helpers/project.ts'
import { python } from '../helpers/python.ts'
import { type TestService, testService } from '../helpers/service.ts'
import { startService } from '../helpers/service-process.ts'

/**
 * Prints all that a program can tell of how it was started, but for what tap gives to every Node, and RLIMIT_FSIZE: that is the
 * room on the disk when the runtime began (launch-command.ts), which is earlier where it waited.
 */
const looking = {
  MLproject: 'entry_points:\n  main:\n    command: python look.py\n',
  'look.py': `import json, os, resource, signal, sys, tempfile

def files(folder):
    return sorted(os.path.relpath(os.path.join(at, name), folder) for at, _, names in os.walk(folder) for name in names)

status = dict(line.rstrip("\\n").split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line)
umask = os.umask(0)
os.umask(umask)
print("seen " + json.dumps({
    "environment": {name: value for name, value in os.environ.items() if name != "NODE_OPTIONS" and not name.startswith("_TAPJS_")},
    "folder": os.getcwd(),
    "home": files(os.environ["HOME"]),
    "temporary": files(tempfile.gettempdir()),
    "limits": {name: resource.getrlimit(getattr(resource, name)) for name in dir(resource) if name.startswith("RLIMIT_") and name != "RLIMIT_FSIZE"},
    "umask": umask,
    "nice": os.nice(0),
    "descriptors": len(os.listdir("/proc/self/fd")),
    "leads": [os.getpgrp() == os.getpid(), os.getsid(0) == os.getpid()],
    "signals": [str(signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE)],
    "status": {name: status[name] for name in ("Uid", "Gid", "Groups", "CapEff", "CapBnd", "NoNewPrivs", "Seccomp", "SigBlk", "SigIgn", "Cpus_allowed")},
    "encodings": [sys.stdout.encoding, sys.getfilesystemencoding()],
}, sort_keys=True))
`
}

const fields = async () => ({
  project: await pack(looking),
  environment: { MODE: 'fast' },
  name: 'looks',
  run: { envManager: 'local' }
})

for (const [around, environment, skip] of [
  ['behind a wall', {}, noSandbox],
  ['without a wall', { LOCAL_SANDBOX: 'none' }, false]
] as const)
  t.test(`${around}, a job finds what it would have found`, { skip }, async t => {
    const without = await testService(t, environment)
    const plain = await without.submit(await fields())
    const expected = await seenBy(without, plain.id)
    await without.close()
    const service = await testService(t, { ...environment, LOCAL_STANDBY: '1' })

    // A job that comes before the standby is ready begins by itself.
    for (let standby = ''; standby === '' || existsSync(standby); ) {
      standby = await someStandby(service)
      const { id } = await service.submit(await fields())
      t.strictSame(await seenBy(service, id), expected)
    }

    t.ok(await someStandby(service), 'and another one waits')
  })

t.test('a job that is to be started otherwise is', async t => {
  const service = await testService(t, { LOCAL_STANDBY: '1' })
  const standby = await someStandby(service)

  for (const special of [
    { environment: { LC_ALL: 'C.UTF-8' } },
    ...(noSandbox ? [] : [{ resources: { memoryMb: 512 } }])
  ]) {
    const { id } = await service.submit({ ...(await fields()), ...special })
    t.equal((await service.ended(id)).status, 'succeeded')
  }

  t.ok(existsSync(standby), 'nobody took the one that waits')
})

t.test('one that waits in vain ends with the service', async t => {
  const service = await testService(t, { LOCAL_STANDBY: '1' })
  const standby = await someStandby(service)

  await service.close()

  t.notOk(existsSync(standby))
  t.same(await processesIn(service.dataDir), [])
})

t.test('one whose service is killed ends, too, and leaves nothing', async t => {
  const dataDir = testFolder(t)
  const service = await startService(t, dataDir, {
    LOCAL_STANDBY: '1',
    PYTHON: python(),
    MLFLOW_TRACKING_URI: await trackingUri()
  })
  const standby = await someStandby({ dataDir })

  service.process.kill('SIGKILL')

  while ((await processesIn(dataDir)).length > 0) await sleep(50)
  t.notOk(existsSync(standby))
})

async function someStandby({ dataDir }: Pick<TestService, 'dataDir'>): Promise<string> {
  for (;;) {
    const names = await readdir(join(dataDir, 'tmp'))
    const name = names.find(name => name.startsWith('standby-'))
    // Written when the runtime is there.
    if (name && existsSync(join(dataDir, 'tmp', name, 'log.txt'))) return join(dataDir, 'tmp', name)
    await sleep(50)
  }
}

async function seenBy(service: TestService, id: string) {
  const { status } = await service.ended(id)
  const log = await service.log(id)
  if (status !== 'succeeded') throw new Error(log)
  const line = log.split('\n').find(line => line.startsWith('seen '))
  const text = JSON.stringify(JSON.parse(line?.slice('seen '.length) ?? 'null'))
  return JSON.parse(
    text
      .replaceAll(id, '<job>')
      .replaceAll(service.dataDir, '<data>')
      .replace(/[0-9a-f]{32}/g, '<run>')
  )
}

async function processesIn(folder: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name))
  const commands = await Promise.all(
    pids.flatMap(pid =>
      ['cmdline', 'environ'].map(file => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => ''))
    )
  )
  return commands.filter(command => command.includes(folder))
}
