/** Environments are built behind a wall of their own: by packages' code, which anybody may have written. */
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { noSandbox } from '../helpers/no-sandbox.ts'
import { pack } from '../helpers/project.ts'
import { testService } from '../helpers/service.ts'

const walled = { skip: noSandbox }

const MLproject =
  'python_env: python_env.yaml\nentry_points:\n  main:\n    parameters: {data: string}\n    command: python main.py {data}\n'

const pyproject =
  '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'

t.test('an environment is built once, and the program cannot change it', walled, async t => {
  const { submit, ended, log, dataDir } = await testService(t, {
    LOCAL_SANDBOX: 'bwrap',
    PIP_TIMEOUT: '59'
  })
  const project = await pack({
    MLproject,
    'python_env.yaml': 'dependencies:\n  - six==1.16.0\n',
    'main.py': `import glob, os, six, sys
print("six", six.__version__)
try:
    open(six.__file__, "a")
    print("it can be changed")
except OSError as error:
    print("not changed:", error.strerror)
for path in glob.glob("/proc/[0-9]*/environ"):
    if b"PIP_TIMEOUT" in open(path, "rb").read():
        print("what environments are built with can be read")
`
  })
  const parameters = { data: dataDir }

  const first = await ended((await submit({ project, parameters })).id)
  const second = await ended((await submit({ project, parameters })).id)

  for (const job of [first, second]) {
    const text = await log(job.id)
    t.match(job, { status: 'succeeded' }, text)
    t.match(text, 'six 1.16.0\nnot changed: Read-only file system\n')
    t.notMatch(text, 'can be read')
  }
  t.match(await log(first.id), 'Building the environment')
  t.notMatch(await log(second.id), 'Building the environment')
  const names = await readdir(join(dataDir, 'tenants', 'default', 'environments'))
  t.equal(names.filter(name => /^[0-9a-f]{64}$/.test(name)).length, 1)
})

t.test('the code of a package reaches no record and no other tenant', walled, async t => {
  const { submit, ended, log, dataDir } = await testService(t, { LOCAL_SANDBOX: 'bwrap' })
  const project = await pack({
    MLproject,
    'python_env.yaml': 'dependencies:\n  - ./evil\n',
    'evil/pyproject.toml': pyproject,
    'evil/setup.py': `import os, setuptools
seen = sorted(os.listdir("${dataDir}"))
setuptools.setup(name="evil", version="1.0", py_modules=["evil"], description=" ".join(seen))
`,
    'evil/evil.py': '',
    'main.py':
      'import importlib.metadata; print("seen:", importlib.metadata.metadata("evil")["Summary"])'
  })

  const job = await ended((await submit({ project, parameters: { data: dataDir } })).id)

  const text = await log(job.id)
  t.match(job, { status: 'succeeded' }, text)
  t.match(text, /^seen: compile-cache job tenants$/m)
})

const isRoot = process.getuid?.() === 0

for (const user of isRoot ? ['', '12345:23456'] : [''])
  t.test(
    `the code of a package opens the wall of no later job${user && ', nor is given what is another’s'}`,
    walled,
    async t => {
      const { submit, ended, log, dataDir } = await testService(t, {
        LOCAL_SANDBOX: 'bwrap',
        LOCAL_READABLE: '',
        LOCAL_USER: user,
        // What it is built from is in the tenant's folder then, too.
        UV_CACHE_DIR: ''
      })
      const secret = join(dataDir, 'secret')
      const tenant = join(dataDir, 'tenants', 'default')
      const victim = join(dataDir, 'victim')
      await writeFile(secret, 'of the service')
      await mkdir(victim)
      const parameters = { data: tenant }
      const evil = await pack({
        MLproject,
        'python_env.yaml': 'dependencies:\n  - ./evil\n',
        'evil/pyproject.toml': pyproject,
        'evil/setup.py': `import os, setuptools
os.chdir("${tenant}")
for name, target in ("pythons", "/"), ("environments", "${victim}"), ("cache", "${victim}"):
    if not os.path.islink(name):
        if os.path.exists(name):
            os.rename(name, name + ".moved")
        os.symlink(target, name)
setuptools.setup(name="evil", version="1.0", py_modules=["evil"])
`,
        'evil/evil.py': '',
        'main.py': ''
      })
      const second = await pack({
        MLproject: MLproject.replace('python_env: python_env.yaml\n', ''),
        'main.py': `import os, sys
tenant = sys.argv[1]
print("links:", os.path.islink(f"{tenant}/pythons"))
for path in f"{tenant}/pythons${secret}", f"{tenant}/pythons/etc/shadow", f"{tenant}/environments":
    print("reached" if os.path.exists(path) else "nothing", path)
`
      })

      const { id } = await ended((await submit({ project: evil, parameters })).id)
      const job = await ended((await submit({ project: second, parameters })).id)

      const text = await log(job.id)
      t.match(job, { status: 'succeeded' }, text)
      t.match(text, /^links: True$/m, `there was something to follow: ${await log(id)}`)
      t.equal(text.match(/^nothing/gm)?.length, 3, text)
      t.same(await readdir(victim), [], 'nothing is made behind the link')
      t.equal((await stat(victim)).uid, process.getuid?.())
    }
  )

t.test(
  'what builds an environment is given the operator’s word, and no secret of the job',
  walled,
  async t => {
    const { submit, ended, log, dataDir } = await testService(t, {
      LOCAL_SANDBOX: 'bwrap',
      LOCAL_READABLE: '',
      CURL_CA_BUNDLE: '/etc/ssl/certs',
      UV_INDEX_OWN_PASSWORD: 'password-of-the-index'
    })
    await writeFile(join(dataDir, 'secret'), 'of the service')
    const project = await pack({
      MLproject,
      'python_env.yaml': 'dependencies:\n  - ./curious\n',
      'curious/pyproject.toml': pyproject,
      'curious/setup.py': `import os
names = "CURL_CA_BUNDLE", "OWN_KEY", "UV_INDEX_OWN_PASSWORD"
raise SystemExit(f"""seen: {os.path.exists("${dataDir}/secret")} {[os.environ.get(name) for name in names]}""")
`,
      'main.py': ''
    })

    const { id } = await submit({
      project,
      parameters: { data: dataDir },
      environment: {
        CURL_CA_BUNDLE: dataDir,
        OWN_KEY: { value: 'secret-of-the-job', secret: true }
      }
    })
    const job = await ended(id)

    t.match(await log(id), "seen: False ['/etc/ssl/certs', None, '***']")
    t.match(job, { status: 'failed', failure: { message: /None, '\*\*\*'/ } })
  }
)

t.test('an environment that cannot be built is the job’s failure', walled, async t => {
  const { submit, ended, dataDir } = await testService(t, { LOCAL_SANDBOX: 'bwrap' })
  const project = await pack({
    MLproject,
    'python_env.yaml': 'dependencies:\n  - six==99.0\n',
    'main.py': ''
  })

  const job = await ended((await submit({ project, parameters: { data: dataDir } })).id)

  t.match(job, {
    status: 'failed',
    failure: {
      kind: 'user',
      message: /^What python_env\.yaml requires could not be installed: .*six/s
    }
  })
})
