import { readdir, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Fault } from '../../../src/contract/fault.ts'
import { createFilesystem } from '../../../src/server/storage/filesystem.ts'
import { projectKey } from '../../../src/server/storage/index.ts'
import { testApp } from '../../helpers/app.ts'
import { form, pack, simpleProject } from '../../helpers/project.ts'

type App = Awaited<ReturnType<typeof testApp>>['app']

const send = (app: App, fields: Parameters<typeof form>[0]) =>
  app.inject({ method: 'POST', url: '/jobs', payload: form(fields) })

t.test('a project and its parameters in one request become a queued job', async t => {
  const { app, store } = await testApp(t)

  const response = await send(app, {
    project: await pack(simpleProject),
    parameters: { alpha: 0.5 },
    name: 'first',
    tags: { team: 'a' }
  })

  t.equal(response.statusCode, 202, response.body)
  const job = response.json()
  t.equal(response.headers.location, `/jobs/${job.id}`)
  t.match(job.id, /^job-[0-9a-z]{26}$/)
  t.match(job, {
    name: 'first',
    status: 'queued',
    terminal: false,
    project: { digest: /^sha256:[0-9a-f]{64}$/, name: 'simple', path: '' },
    entryPoint: 'main',
    tags: { team: 'a' },
    backend: { name: 'local', status: null },
    transitions: [{ status: 'queued' }],
    failure: null,
    model: null
  })
  t.ok(await store.get(job.id), 'it is in the store')
})

t.test('numbers keep their digits from the request to the answer', async t => {
  const { app } = await testApp(t)
  const parameters = '{"alpha":1.0,"steps":12345678901234567890,"label":"1e-5"}'

  const { body } = await send(app, { parameters, project: await pack(simpleProject) })

  t.match(body, '"parameters":{"alpha":1.0,"steps":12345678901234567890,"label":"1e-5"}')
})

t.test('fields may say that they are JSON, as those of generated clients do', async t => {
  const { app } = await testApp(t)
  const payload = form({ project: await pack(simpleProject) })
  const json = (text: string) => new Blob([text], { type: 'application/json' })
  payload.append('parameters', json('{"alpha":1.0}'))
  payload.append('tags', json('{"team":"a"}'))
  const multipart = new Response(payload)
  const text = Buffer.from(await multipart.arrayBuffer())
    .toString('latin1')
    .replaceAll('; filename="blob"', '')

  const response = await app.inject({
    method: 'POST',
    url: '/jobs',
    headers: { 'content-type': multipart.headers.get('content-type') ?? '' },
    payload: Buffer.from(text, 'latin1')
  })

  t.equal(response.statusCode, 202, response.body)
  t.match(response.body, '"alpha":1.0')
  t.match(response.json(), { tags: { team: 'a' } })
})

t.test('defaults are shown among the parameters', async t => {
  const { app } = await testApp(t)

  const response = await send(app, { parameters: { alpha: 2 }, project: await pack(simpleProject) })

  t.same(response.json().parameters, { alpha: 2, steps: 3, label: 'none' })
})

t.test('every fault is named at once, each with a pointer', async t => {
  const { app, dataDir } = await testApp(t)

  const response = await send(app, {
    project: await pack(simpleProject),
    parameters: { aplha: 1, steps: 'many' },
    run: { experimentNmae: 'x' },
    environment: { LD_PRELOAD: 'x' },
    tags: { '': 'x' },
    name: '\u0007',
    colour: 'red'
  })

  t.equal(response.statusCode, 422)
  t.match(response.headers['content-type'], 'application/problem+json')
  const problem = response.json()
  t.equal(problem.code, 'SUBMISSION_INVALID')
  t.same(problem.errors.map(({ pointer }: { pointer: string }) => pointer).toSorted(), [
    '/colour',
    '/environment/LD_PRELOAD',
    '/name',
    '/parameters/alpha',
    '/parameters/aplha',
    '/parameters/steps',
    '/run/experimentNmae',
    '/tags/'
  ])
  const detail = problem.errors.find((e: { pointer: string }) => e.pointer === '/parameters/aplha')
  t.match(detail.detail, 'did you mean "alpha"?')
  t.same(await readdir(join(dataDir, 'tmp')), [], 'nothing is left behind')
  t.notOk((await readdir(dataDir)).includes('projects'), 'the project is not stored')
})

t.test('fields of the wrong kind are named together with every other fault', async t => {
  const { app } = await testApp(t)

  const response = await send(app, {
    project: await pack(simpleProject),
    parameters: '[1]',
    run: '"fast"',
    environment: '3',
    tags: 'null',
    name: '\u0007'
  })

  t.equal(response.statusCode, 422, response.body)
  const pointers = response.json().errors.map(({ pointer }: { pointer: string }) => pointer)
  for (const pointer of ['/parameters', '/run', '/environment', '/tags', '/name'])
    t.equal(pointers.filter((other: string) => other === pointer).length, 1, pointer)
})

t.test('every field that is no JSON is named at once', async t => {
  const { app } = await testApp(t)

  const response = await send(app, {
    parameters: 'alpha=1',
    run: '{}',
    environment: '{',
    tags: '[1]'
  })

  t.equal(response.statusCode, 400, response.body)
  const { detail } = response.json()
  t.match(detail, 'The field "parameters" is not JSON')
  t.match(detail, 'The field "environment" is not JSON')
  t.notMatch(detail, /"run"|"tags"/)
})

t.test('a wrong run option is answered with what is allowed', async t => {
  const { app } = await testApp(t)

  const response = await send(app, {
    project: await pack(simpleProject),
    parameters: { alpha: 1 },
    run: {
      envManager: 'pip',
      pythonPin: 3,
      runName: 7,
      experimentId: 'a b',
      allowUndeclaredParameters: 'yes'
    }
  })

  const details = response
    .json()
    .errors.map(({ pointer, detail }: Fault) => [pointer, detail] as const)
  t.same(Object.fromEntries(details), {
    '/run/envManager': 'envManager must be one of local, uv, virtualenv, conda.',
    '/run/pythonPin': 'pythonPin must be one of exact, minor.',
    '/run/runName': 'runName must be text.',
    '/run/experimentId': 'experimentId has 1 to 64 letters, digits, "_" and "-".',
    '/run/allowUndeclaredParameters': 'allowUndeclaredParameters must be true or false.'
  })
})

const channelName =
  'A channel’s name has 1 to 64 letters, digits, ".", "_" and "-", and is neither "." nor "..".'
const channelValue =
  'A channel’s value is the URI of its data, such as s3://bucket/folder/, or file:///folder/.'

t.test('wrong resources and inputs are all named at once, with what is allowed', async t => {
  const { app } = await testApp(t)

  const response = await send(app, {
    project: await pack(simpleProject),
    parameters: { alpha: 1 },
    resources: {
      instnaceType: 'ml.m5.xlarge',
      instanceCount: '2',
      volumeSizeGb: 0,
      maxRuntimeSeconds: 1.5,
      maxWaitSeconds: 2_419_201,
      spot: 'yes',
      keepAliveSeconds: -1
    },
    inputs: {
      code: 's3://bucket/a/',
      'a b': 's3://bucket/b/',
      '..': 's3://b/',
      train: '/data',
      valid: 1
    }
  })

  t.equal(response.statusCode, 422, response.body)
  const { errors } = response.json<{ errors: Fault[] }>()
  t.same(Object.fromEntries(errors.map(({ pointer, detail }) => [pointer, detail])), {
    '/resources/instnaceType':
      'There is no member "instnaceType" of resources; did you mean "instanceType"?',
    '/resources/instanceCount': 'instanceCount must be a whole number from 1 to 100.',
    '/resources/volumeSizeGb': 'volumeSizeGb must be a whole number from 1 to 16384.',
    '/resources/maxRuntimeSeconds': 'maxRuntimeSeconds must be a whole number from 1 to 2419200.',
    '/resources/maxWaitSeconds': 'maxWaitSeconds must be a whole number from 1 to 2419200.',
    '/resources/spot': 'spot must be true or false.',
    '/resources/keepAliveSeconds': 'keepAliveSeconds must be a whole number from 0 to 21600.',
    '/inputs/code': 'The channel "code" holds the project; choose another name.',
    '/inputs/a b': channelName,
    '/inputs/..': channelName,
    '/inputs/train': channelValue,
    '/inputs/valid': channelValue
  })
})

t.test('what of resources and inputs the local backend has not is refused by name', async t => {
  const { app, store, dataDir } = await testApp(t)

  const response = await send(app, {
    project: await pack(simpleProject),
    parameters: { alpha: 1 },
    resources: {
      instanceType: 'ml.m5.xlarge',
      spot: true,
      maxRuntimeSeconds: 60,
      memoryMb: 4097,
      cpus: 3
    },
    inputs: { train: 's3://bucket/train/' }
  })

  t.equal(response.statusCode, 422, response.body)
  t.same(response.json().errors, [
    {
      pointer: '/resources/instanceType',
      detail: "Jobs run on the service's own machine here: instanceType is for BACKEND=sagemaker."
    },
    {
      pointer: '/resources/spot',
      detail: "Jobs run on the service's own machine here: spot is for BACKEND=sagemaker."
    },
    { pointer: '/resources/memoryMb', detail: 'A job may have 4096 at most here.' },
    { pointer: '/resources/cpus', detail: 'A job may have 2 at most here.' },
    {
      pointer: '/inputs/train',
      detail:
        'Jobs run on the service’s own machine here: give a file or a folder of it, such as file:///data/train/. S3 is for BACKEND=sagemaker.'
    }
  ])
  t.same(await store.list({ limit: 10 }), [])
  t.notOk((await readdir(dataDir)).includes('projects'), 'the project is not stored')
})

t.test('a longest time is possible on the local backend, and shown', async t => {
  const { app } = await testApp(t)

  const response = await send(app, {
    project: await pack(simpleProject),
    parameters: { alpha: 1 },
    resources: { maxRuntimeSeconds: 60 },
    inputs: {}
  })

  t.equal(response.statusCode, 202, response.body)
  t.match(response.json(), { resources: { maxRuntimeSeconds: 60 }, inputs: {} })
})

t.test('a name that is given twice is a fault in every field', async t => {
  const { app } = await testApp(t)

  const response = await send(app, {
    project: await pack(simpleProject),
    parameters: '{"alpha":1,"alpha":2}',
    run: '{"runName":"a","runName":"b"}',
    environment: '{"MODE":"a","MODE":"b"}',
    tags: '{"team":"a","team":"b"}'
  })

  t.equal(response.statusCode, 422, response.body)
  t.same(response.json().errors, [
    { pointer: '/parameters/alpha', detail: 'parameter "alpha" is given twice: give it once.' },
    { pointer: '/run/runName', detail: '"runName" is given twice: give it once.' },
    { pointer: '/environment/MODE', detail: '"MODE" is given twice: give it once.' },
    { pointer: '/tags/team', detail: '"team" is given twice: give it once.' }
  ])
})

t.test('a field above its limit is refused with the limit, as text and as a file', async t => {
  const { app, folder } = await testApp(t)
  const long = JSON.stringify({ alpha: 'x'.repeat(1024 * 1024) })

  for (const parameters of [long, new Blob([long])]) {
    const response = await send(app, { project: await pack(simpleProject), parameters })
    t.equal(response.statusCode, 400, response.body)
    t.match(response.json().detail, 'The field "parameters" is larger than 1048576 bytes')
  }
  t.same(await readdir(folder), [], 'nothing is left behind')
})

t.test('the parts may come in any order', async t => {
  const { app } = await testApp(t)
  const project = await pack(simpleProject)

  for (const fields of [
    { project, parameters: { alpha: 1 }, entryPoint: 'main' },
    { entryPoint: 'main', parameters: { alpha: 1 }, project }
  ]) {
    const response = await send(app, fields)
    t.equal(response.statusCode, 202, response.body)
  }
})

t.test('a field may come as a file, as curl -F parameters=@file sends it', async t => {
  const { app } = await testApp(t)

  const response = await send(app, {
    parameters: new Blob(['{"alpha":1}']),
    project: await pack(simpleProject)
  })

  t.equal(response.statusCode, 202, response.body)
})

const wrong: [title: string, status: number, code: string, fields: Record<string, unknown>][] = [
  ['no project at all', 422, 'SUBMISSION_INVALID', { parameters: { alpha: 1 } }],
  ['a project that is text', 422, 'SUBMISSION_INVALID', { project: 'code.tar.gz' }],
  ['a project that is no archive', 415, 'NOT_AN_ARCHIVE', { project: new Blob(['hello']) }],
  ['an empty project', 415, 'NOT_AN_ARCHIVE', { project: new Blob([]) }],
  [
    'parameters that are no JSON',
    400,
    'MALFORMED_REQUEST',
    { project: new Blob(['x']), parameters: '{' }
  ],
  ['run options that are a list', 422, 'SUBMISSION_INVALID', { run: '[]' }]
]
for (const [title, status, code, fields] of wrong)
  t.test(`${title}: ${status} ${code}`, async t => {
    const { app, folder } = await testApp(t)

    const response = await send(app, fields)

    t.equal(response.statusCode, status, response.body)
    t.equal(response.json().code, code)
    t.same(await readdir(folder), [], 'nothing is left behind')
  })

t.test('a body that is neither a form nor JSON is refused with what is wanted', async t => {
  const { app } = await testApp(t)

  const response = await app.inject({
    method: 'POST',
    url: '/jobs',
    headers: { 'content-type': 'application/xml' },
    payload: '<a/>'
  })

  t.equal(response.statusCode, 415)
  t.match(response.json().detail, 'The body is application/xml. Send multipart/form-data')
})

t.test('a form that is cut off or has no boundary is malformed', async t => {
  const { app, folder } = await testApp(t)
  const cut = '--x\r\ncontent-disposition: form-data; name="project"; filename="a"\r\n\r\nabc'

  for (const [type, payload] of [
    ['multipart/form-data; boundary=x', cut],
    ['multipart/form-data', cut],
    ['multipart/form-data; boundary=x', '']
  ] as const) {
    const response = await app.inject({
      method: 'POST',
      url: '/jobs',
      headers: { 'content-type': type },
      payload
    })
    t.ok([400, 422].includes(response.statusCode), `${response.statusCode} ${response.body}`)
  }
  t.same(await readdir(folder), [])
})

t.test('an archive above the limit is refused while it comes', async t => {
  const { app, folder } = await testApp(t, { uploadBytes: 1000 })

  const response = await send(app, { project: new Blob([new Uint8Array(5000)]) })

  t.equal(response.statusCode, 413, response.body)
  t.equal(response.json().code, 'UPLOAD_TOO_LARGE')
  t.same(await readdir(folder), [])
})

t.test('a client that goes away in the middle of its upload leaves nothing', async t => {
  const { app, folder, store } = await testApp(t)
  const url = new URL(await app.listen({ port: 0 }))
  const socket = connect(Number(url.port), '127.0.0.1')
  socket.on('error', () => {})
  socket.write(
    'POST /jobs HTTP/1.1\r\nhost: localhost\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: 1000000\r\n\r\n' +
      '--b\r\ncontent-disposition: form-data; name="project"; filename="a"\r\n\r\n'
  )
  socket.write(Buffer.alloc(100_000))
  while ((await readdir(folder)).length === 0) await sleep(10)

  socket.destroy()

  while ((await readdir(folder)).length > 0) await sleep(10)
  t.same(await store.list({ limit: 10 }), [])
})

t.test('the same tree is stored once, however it was packed', async t => {
  const { app, dataDir } = await testApp(t)
  const digests = new Set<string>()

  for (const comment of ['', '', '# other']) {
    const project = await pack({ ...simpleProject, 'main.py': `print("hello")\n${comment}` })
    const response = await send(app, { project, parameters: { alpha: 1 } })
    digests.add(response.json().project.digest)
  }

  t.equal(digests.size, 2)
  t.equal((await readdir(join(dataDir, 'projects'))).length, 2)
})

t.test(
  'a literal set_experiment in the code makes the run in that experiment, and says so',
  async t => {
    const { app } = await testApp(t)
    const project = await pack({
      ...simpleProject,
      'main.py': 'import mlflow\nmlflow.set_experiment("wine")\n'
    })

    const response = await send(app, { project, parameters: { alpha: 1 } })

    t.match(response.json().warnings.join('\n'), 'set_experiment("wine")')
  }
)

t.test('values of variables that look like secrets are never shown', async t => {
  const { app } = await testApp(t)

  const response = await send(app, {
    project: await pack(simpleProject),
    parameters: { alpha: 1 },
    environment: { MLFLOW_TRACKING_PASSWORD: 'canary', HF_TOKEN: 'canary', MODE: 'fast' }
  })

  t.same(response.json().environment, {
    MLFLOW_TRACKING_PASSWORD: '***',
    HF_TOKEN: '***',
    MODE: 'fast'
  })
  t.notMatch(response.body, 'canary')
})

t.test('a storage that takes nothing is a 503, and nothing of the submission is left', async t => {
  const { app, store, dataDir, folder } = await testApp(t)
  // A file where the folder of projects would be: no file can be put into it.
  await writeFile(join(dataDir, 'projects'), '')

  const response = await send(app, {
    project: await pack(simpleProject),
    parameters: { alpha: 0.5 }
  })

  t.equal(response.statusCode, 503)
  t.match(response.json(), {
    code: 'STORAGE_UNAVAILABLE',
    detail:
      /nothing of the submission was kept\. The storage’s file system says: .*\(E(NOTDIR|EXIST)\)/
  })
  t.same(await store.list({ limit: 10 }), [])
  t.same(await readdir(folder), [])
})

t.test('a field as JSON has the limit that it has in a form', async t => {
  const { app } = await testApp(t)
  const response = await app.inject({
    method: 'POST',
    url: '/jobs',
    payload: { project: 'sha256:0', tags: { a: 'x'.repeat(1024 * 1024) } }
  })
  t.equal(response.statusCode, 400)
  t.match(response.json().detail, /^The field "tags" is larger than 1048576 bytes/)
})

t.test('a body as JSON has no more fields than a form has parts', async t => {
  const { app } = await testApp(t)
  const payload = Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`field${n}`, 'x']))
  const response = await app.inject({ method: 'POST', url: '/jobs', payload })
  t.equal(response.statusCode, 413)
  t.equal(response.json().detail, 'The body has more than 100 fields, the limit of this service.')
})

t.test('members beyond all sense are one fault', async t => {
  const { app } = await testApp(t)
  const many = Object.fromEntries(Array.from({ length: 1001 }, (_, n) => [`member${n}`, 'x']))
  const fields = ['run', 'environment', 'resources', 'inputs', 'tags']
  const response = await app.inject({
    method: 'POST',
    url: '/jobs',
    payload: Object.fromEntries(fields.map(field => [field, many]))
  })
  t.same(
    response.json().errors.filter(({ detail }: Fault) => detail.includes('1001')),
    fields.map(field => ({
      pointer: `/${field}`,
      detail: `The field "${field}" has 1001 members; at most 1000 are possible.`
    }))
  )
  t.equal(response.json().errors.length, fields.length + 1)
})

t.test('text that is no UTF-8 is refused, and a byte order mark is left out', async t => {
  const { app } = await testApp(t)
  const send = (body: Buffer) =>
    app.inject({
      method: 'POST',
      url: '/jobs',
      headers: { 'content-type': 'application/json' },
      body
    })
  const data = form({ project: await pack(simpleProject) })
  data.append('name', new Blob([Buffer.from([0xff])]), 'name.txt')

  const json = await send(Buffer.from('{"name":"\xff"}', 'latin1'))
  t.strictSame([json.statusCode, json.json().detail], [400, 'The body is not UTF-8.'])
  const field = await app.inject({ method: 'POST', url: '/jobs', payload: data })
  t.strictSame([field.statusCode, field.json().detail], [400, 'The field "name" is not UTF-8.'])
  t.equal((await send(Buffer.from('\ufeff{"name":"a"}'))).statusCode, 422)
})

t.test('a part of a form without a name is malformed', async t => {
  const { app } = await testApp(t)
  const response = await app.inject({
    method: 'POST',
    url: '/jobs',
    headers: { 'content-type': 'multipart/form-data; boundary=X' },
    payload: '--X\r\nContent-Disposition: form-data\r\n\r\nx\r\n--X--\r\n'
  })
  t.strictSame(
    [response.statusCode, response.json().detail],
    [400, 'A part of the form has no name.']
  )
})

t.test('names of run and experiment that no tracking server takes are faults', async t => {
  const { app } = await testApp(t)
  const response = await send(app, {
    project: await pack(simpleProject),
    parameters: { alpha: 1 },
    run: '{"runName":"a\\u0000","experimentName":"\\ud800"}'
  })
  t.same(response.json().errors, [
    { pointer: '/run/experimentName', detail: 'experimentName has no control characters.' },
    { pointer: '/run/runName', detail: 'runName has no control characters.' }
  ])
})

t.test('a project that is removed while its next job is submitted is there for it', async t => {
  let removing = false
  const { app, storage } = await testApp(t, {}, folder => {
    const files = createFilesystem(folder)
    return {
      ...files,
      async stat(key) {
        const found = await files.stat(key)
        if (removing && found) await files.remove(key)
        removing = false
        return found
      }
    }
  })
  const project = await pack(simpleProject)
  const fields = { project, parameters: { alpha: 1 } }
  t.equal((await send(app, fields)).statusCode, 202)
  removing = true

  const response = await send(app, fields)

  t.equal(response.statusCode, 202, response.body)
  t.notOk(removing, 'it was removed')
  t.ok(await storage.stat(projectKey({ tenant: 'default', ...response.json().project })))
})
