/** Submissions with a secret in them, and something wrong: each is refused, and says nothing of the secret. */
import { form, pack, simpleProject } from '../project.ts'
import type { Client } from './client.ts'
import type { Canaries } from './planted.ts'

export async function sendRefused(
  { post, ask }: Client,
  project: string,
  canaries: Canaries
): Promise<string[]> {
  const broken: string[] = []
  const plant = (title: string) => canaries.plant(`refused, ${title}`)
  const expect = (title: string, { status, text }: { status: number; text: string }) => {
    if (status < 400 || status > 499) broken.push(`${title}: ${status} ${text.slice(0, 300)}`)
  }
  const marked = (value: string) => ({ A: { value, secret: true } })
  const fields = { project, parameters: { mode: 'end' } }

  const environments: [title: string, of: (secret: string) => unknown][] = [
    ['an unknown member', secret => ({ A: { value: secret, sceret: true } })],
    ['a secret as mark', secret => ({ A: { value: 'x', secret } })],
    ['a value and a reference', secret => ({ A: { value: secret, valueFrom: 'file:///x' } })],
    ['a secret as reference', secret => ({ A: { valueFrom: secret } })],
    ['a foreign scheme', secret => ({ A: { valueFrom: `https://host/${secret}` } })],
    ['a list', secret => ({ A: [secret] })],
    ['a nested value', secret => ({ A: { value: { secret } } })],
    ['a NUL', secret => marked(`${secret}\0`)],
    ['a value that is too long', secret => marked(secret + 'x'.repeat(40_000))],
    ['a reserved name', secret => ({ LD_PRELOAD: { value: secret, secret: true } })],
    ['a reserved name, plain', secret => ({ AWS_SECRET_ACCESS_KEY: secret })],
    ['a strange name', secret => ({ 'A-B': { value: secret, secret: true } })],
    ['a text in place of an object', secret => secret],
    ['a list in place of an object', secret => [secret]]
  ]
  for (const [title, of] of environments) {
    const json = { ...fields, environment: of(plant(`${title}, JSON`)) }
    expect(title, await post('/jobs', json))
    const environment = JSON.stringify(of(plant(`${title}, a form`)))
    expect(title, await post('/jobs', form({ ...fields, environment })))
  }
  const texts: [title: string, of: (secret: string) => string][] = [
    ['no JSON', secret => `{"A": ${secret}}`],
    ['no JSON from the start', secret => secret],
    ['JSON that ends early', secret => `{"A": "${secret}`],
    ['JSON with a wrong escape', secret => `{"A": "${secret}\\x"}`],
    ['a name twice', secret => `{"A": "${secret}", "A": {"value": "${secret}", "secret": true}}`]
  ]
  for (const [title, of] of texts) {
    const environment = of(plant(`${title}, a form`))
    expect(title, await post('/jobs', form({ ...fields, environment })))
    const body = `{"project": "${project}", "environment": ${of(plant(`${title}, JSON`))}}`
    const headers = { 'content-type': 'application/json' }
    expect(title, await ask('/jobs', { method: 'POST', body, headers }))
    expect(title, await ask('/jobs/batch', { method: 'POST', body, headers }))
  }
  const others: [title: string, send: (environment: object) => ReturnType<Client['post']>][] = [
    [
      'an unknown entry point',
      environment => post('/jobs', { ...fields, entryPoint: 'x', environment })
    ],
    [
      'an unknown parameter',
      environment => post('/jobs', { ...fields, parameters: { x: 1 }, environment })
    ],
    ['an unknown field', environment => post('/jobs', { ...fields, environmnet: environment })],
    ['no project', environment => post('/jobs', { environment })],
    [
      'an unknown project',
      environment => post('/jobs', { project: `sha256:${'0'.repeat(64)}`, environment })
    ],
    [
      'a wrong job of a batch',
      environment => post('/jobs/batch', { ...fields, jobs: [{ environment }, { run: 3 }] })
    ],
    ['a job that is none', environment => post('/jobs/batch', { ...fields, jobs: [environment] })],
    ['a job that is not there', environment => post('/jobs/job-none/rerun', { environment })],
    ['no archive', environment => post('/jobs', form({ project: new Blob(['x']), environment }))],
    [
      'another type',
      environment => post('/jobs', { environment }, { 'content-type': 'text/plain' })
    ]
  ]
  for (const [title, send] of others) expect(title, await send(marked(plant(title))))
  const hostile = await pack({ ...simpleProject, MLproject: 'entry_points: [' })
  const last = 'no MLproject'
  expect(last, await post('/jobs', form({ project: hostile, environment: marked(plant(last)) })))
  return broken
}

/** Callers that are not known, by what they send. */
export async function sendUnknown({ ask }: Client, canaries: Canaries): Promise<void> {
  const plant = (title: string) => canaries.plant(`header, ${title}`)
  const headers: Record<string, string>[] = [
    { authorization: `Bearer ${plant('a wrong key')}` },
    { authorization: `Bearer mlj_${plant('a key with a typing error')}` },
    { authorization: plant('no scheme') },
    { authorization: `Basic ${btoa(`me:${plant('a password')}`)}` },
    { cookie: `session=${plant('a cookie')}` },
    { 'x-api-key': plant('another header') },
    { 'proxy-authorization': `Bearer ${plant('a proxy’s key')}` },
    { 'idempotency-key': '', authorization: `Digest ${plant('another scheme')}` }
  ]
  for (const each of headers) await ask('/jobs', { headers: each })
}
