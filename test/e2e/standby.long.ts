/** A runtime that waited for its job: nothing of that is seen by the job, and nothing is left of one that waited in vain. */
import { existsSync } from 'node:fs'
import { open, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { hashOf, makeKey } from '../../src/server/callers/api-key.ts'
import type { Job } from '../../src/server/routes/schemas.ts'
import { testFolder } from '../helpers/folder.ts'
import { trackingUri } from '../helpers/mlflow.ts'
import { noSandbox } from '../helpers/no-sandbox.ts'
import { form, pack } from '../helpers/project.ts'
import { python } from '../helpers/python.ts'
import { type TestService, testService } from '../helpers/service.ts'
import { startService } from '../helpers/service-process.ts'

/** Prints all that a program can tell of how it was started, but for what tap gives to every Node. */
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
    "limits": {name: resource.getrlimit(getattr(resource, name)) for name in dir(resource) if name.startswith("RLIMIT_")},
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

/** Prints the inode of a folder of the job's, which a standby brings with it. */
const sayingFolder =
  'entry_points:\n  main:\n    command: echo "folder $(stat -c %i "$SM_MODEL_DIR")"\n'
const folderOf = (log: string) => Number(/^folder (\d+)$/m.exec(log)?.[1])

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

t.test('a job that builds its environment takes one, too', { skip: noSandbox }, async t => {
  const service = await testService(t, { LOCAL_STANDBY: '1' })

  for (const version of ['1.14.0', '1.15.0', '1.16.0']) {
    const standby = await standbyFolder(service)
    const { id } = await service.submit({
      project: await pack({
        MLproject: `python_env: python_env.yaml\n${sayingFolder}`,
        'python_env.yaml': `dependencies:\n  - six==${version}\n`
      })
    })
    t.equal((await service.ended(id)).status, 'succeeded')
    const log = await service.log(id)
    t.match(log, 'Building the environment')
    if (folderOf(log) === standby) return
  }

  t.fail('none of them took one')
})

t.test('one is for the tenant that had the last job', { skip: noSandbox }, async t => {
  const folder = testFolder(t)
  const dataDir = join(folder, 'data')
  const key = makeKey()
  const keys = join(folder, 'keys.json')
  const entry = { name: 'risk', tenant: 'risk', scopes: ['read', 'submit'], sha256: hashOf(key) }
  await writeFile(keys, JSON.stringify({ keys: [{ ...entry, createdAt: '2026-11-30T08:00:00Z' }] }))
  const { url } = await startService(t, dataDir, {
    API_KEYS_FILE: keys,
    LOCAL_STANDBY: '1',
    PYTHON: python(),
    MLFLOW_TRACKING_URI: await trackingUri()
  })
  const headers = { authorization: `Bearer ${key}` }
  const project = await pack({ MLproject: sayingFolder })
  const runJob = async () => {
    const body = form({ project, run: { envManager: 'local' } })
    const answer = await fetch(`${url}/jobs`, { method: 'POST', body, headers })
    const { links } = (await answer.json()) as Job
    const log = await fetch(`${url}${links.logs}?follow=true`, { headers })
    return folderOf(await log.text())
  }
  const first = await standbyFolder({ dataDir })
  // As long as somebody has it open, no other folder is given its inode.
  const held = await open(join(await someStandby({ dataDir }), 'ml/model'))
  t.teardown(() => held.close())
  t.equal((await held.stat()).ino, first)

  for (let own = first; ; own = await standbyFolder({ dataDir })) {
    const used = await runJob()
    t.not(used, first, 'nobody takes that of another tenant')
    if (used === own) break
  }
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

/** Its inode, as the job prints it. */
async function standbyFolder(service: Pick<TestService, 'dataDir'>): Promise<number> {
  for (;;) {
    const found = await stat(join(await someStandby(service), 'ml/model')).catch(() => undefined)
    if (found) return found.ino
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
