import t from 'tap'
import { checkSettings } from '../../../../src/server/backends/sagemaker/check-settings.ts'
import { settings } from '../../../helpers/sagemaker-backend.ts'

const many = (count: number, prefix: string) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`${prefix}${n}`, 'x']))
const check = (changes: Partial<typeof settings>) => checkSettings({ ...settings, ...changes })

t.test('settings at the limits have no fault', async t => {
  t.same(
    check({
      tags: { ...many(48, 't'), ['ü'.repeat(128)]: 'v'.repeat(256) },
      metrics: { ...many(39, 'm'), ['n'.repeat(255)]: 'r'.repeat(500) }
    }),
    []
  )
})

t.test('an instance type that there is not is named, with what may be meant', async t => {
  t.same(check({ defaults: { ...settings.defaults, instanceType: 'ml.m5.xlrage' } }), [
    'SAGEMAKER_INSTANCE_TYPE is "ml.m5.xlrage": SageMaker trains on none; did you mean "ml.m5.xlarge"?'
  ])
})

for (const [title, tags] of [
  ['of AWS', { 'aws:team': 'risk' }],
  ['of the service', { 'mlflow-jobs:job': 'x' }],
  ['without a key', { '': 'x' }],
  ['with a key too long', { ['k'.repeat(129)]: 'x' }],
  ['with a value too long', { k: 'v'.repeat(257) }],
  ['with a character that tags have not', { team: 'a&b' }],
  ['too many', many(50, 't')]
] as const)
  t.test(`tags ${title} are a fault`, async t => {
    t.match(check({ tags }), [/^SAGEMAKER_TAGS has /])
  })

for (const [title, metrics] of [
  ['without a name', { '': 'x' }],
  ['with a name too long', { ['n'.repeat(256)]: 'x' }],
  ['without an expression', { loss: '' }],
  ['with an expression too long', { loss: 'x'.repeat(501) }],
  ['too many', many(41, 'm')]
] as const)
  t.test(`metrics ${title} are a fault`, async t => {
    t.match(check({ metrics }), [/^SAGEMAKER_METRICS has /])
  })
