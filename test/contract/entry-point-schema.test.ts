import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import t from 'tap'
import { stringify } from 'yaml'
import { checkSubmission } from '../../src/contract/check-submission.ts'
import { entryPointSchema } from '../../src/contract/entry-point-schema.ts'
import { readProject } from '../../src/contract/mlproject.ts'
import { parameterLimitBytes, parseParameters } from '../../src/contract/parameters.ts'
import { projectFiles } from '../helpers/project-files.ts'

/** The schema of the entry point main as it is on the wire, and both opinions of a JSON text of parameters. */
function opinions(MLproject: string) {
  const files = projectFiles({ MLproject })
  const { project, faults } = readProject('', files)
  const main = project?.entryPoints.main
  if (project === undefined || main === undefined) throw new Error(JSON.stringify(faults))
  const json = JSON.stringify(entryPointSchema(main))
  const validate = new Ajv2020({ allowUnionTypes: true, ownProperties: true }).compile(
    JSON.parse(json)
  )
  return {
    json,
    schema: JSON.parse(json),
    schemaTakes: (parameters: string) => validate(JSON.parse(parameters)),
    checkTakes(parameters: string) {
      const { tokens, faults } = parseParameters(parameters)
      const checked = checkSubmission(project, files, {
        entryPoint: 'main',
        parameters: tokens,
        allowUndeclaredParameters: false
      })
      return faults.length + checked.faults.length === 0
    }
  }
}

const project = (parameters: Record<string, unknown>, command: string) =>
  stringify({ entry_points: { main: { parameters, command } } })

// Names that are good, that mean something to JavaScript, and that can never be given.
const names = ['a', 'b', 'main.steps', 'constructor', 'sagemaker_x', 'no way', 'x'.repeat(251)]

const types = ['string', 'float', 'int', 'path', 'uri', 'bool', 'list', 'Double']

const someTexts = [
  ...[
    'None',
    '',
    'True',
    'OFF',
    'y',
    'maybe',
    '1',
    ' 7 ',
    '+1',
    '1_0',
    '1__0',
    '1.5',
    '1.',
    '-.5e3'
  ],
  ...['1e5', '1e+5', '1e-5', 'e5', 'inf', '-Infinity', 'NaN', 'true', 's3://b/k', ' a:b', 'C:\\x'],
  ...['h\tttp:x', ':x', '1:x', 'a b', '$(id)', 'it’s', 'a\0b', '\0', '٣', '1\n', '-0', '\u{1f600}'],
  ...['1'.repeat(4300), '1'.repeat(4301), 'a'.repeat(102_400), 'a'.repeat(102_401)]
]

const texts = fc.oneof(fc.constantFrom(...someTexts), fc.string({ unit: 'grapheme', maxLength: 8 }))

// A number that is whole is written so: of other ways (1.0, -0) a schema knows nothing.
const values = fc.oneof(
  texts,
  fc.constantFrom(0, 1, 2, -3, 1.5, true, false),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter(value => !Number.isInteger(value)),
  fc.constantFrom(null, [1], { a: 1 })
)

const declarations = fc.record(
  {
    type: fc.constantFrom(...types),
    // A longer one makes the project a fault.
    default: fc.oneof(
      texts.filter(text => text.length <= parameterLimitBytes),
      fc.constantFrom(0, 1.5, 0.25, true, false)
    ),
    description: fc.constant('What it is for')
  },
  { requiredKeys: ['type'] }
)

/** A placeholder by itself, where quotes do not hold, and one that cannot be filled in. */
const places = [
  (name: string) => `{${name}}`,
  (name: string) => `"{${name}}"`,
  (name: string) => `'{${name}}'`,
  () => '',
  (name: string) => `{${name}.x}`
]
const commands = fc
  .array(fc.nat(50), { minLength: names.length, maxLength: names.length })
  .map(
    kinds => (declared: string[]) =>
      `python x.py ${declared.map((name, index) => (places[kinds[index] ?? 0] ?? places[0])?.(name)).join(' ')}`
  )

t.test('takes of each type what the check of a submission takes, and nothing else', t => {
  for (const type of types) {
    for (const place of places) {
      const { schemaTakes, checkTakes } = opinions(
        project({ a: { type } }, `python x.py ${place('a')}`)
      )
      const differ = [...someTexts, 0, 1, 2, -3, 1.5, true, false, null, [], {}].filter(value => {
        const parameters = JSON.stringify({ a: value })
        return schemaTakes(parameters) !== checkTakes(parameters)
      })
      t.same(differ, [], `${type} as ${place('a')}`)
    }
  }
  t.end()
})

t.test('takes of whole submissions what the check takes, and nothing else', t => {
  let taken = 0
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom(...names), declarations, { maxKeys: 3 }),
      commands,
      fc.array(
        fc.dictionary(fc.constantFrom(...names, 'other'), values, {
          maxKeys: 3,
          noNullPrototype: true
        }),
        { minLength: 8, maxLength: 8 }
      ),
      (declared, command, submissions) => {
        const { schemaTakes, checkTakes } = opinions(
          project(declared, command(Object.keys(declared)))
        )
        for (const submission of submissions.map(parameters => JSON.stringify(parameters))) {
          const expected = checkTakes(submission)
          taken += Number(expected)
          if (schemaTakes(submission) !== expected)
            throw new Error(`the check ${expected ? 'takes' : 'refuses'} ${submission}`)
        }
      }
    ),
    { numRuns: 100 }
  )
  t.ok(taken > 50, `${taken} submissions were taken`)
  t.end()
})

t.test('says what the MLproject file says, defaults as the program gets them', t => {
  const { json, schema } = opinions(`
entry_points:
  main:
    parameters:
      alpha: {type: float, default: 1.0, description: Strength}
      epochs: {type: int, default: "None"}
      verbose: {type: bool, default: true}
      label: string
    command: python train.py {alpha} {epochs} {verbose} "{label}"
`)

  t.match(schema, {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'main',
    type: 'object',
    required: ['label'],
    additionalProperties: false,
    properties: {
      alpha: { description: 'Strength', type: ['number', 'string'] },
      epochs: { default: 'None', anyOf: [{ type: ['integer', 'string'] }, { enum: ['None'] }] },
      verbose: { default: 'True', $comment: 'declared as bool' },
      label: { pattern: '^[A-Za-z0-9_@%+=:,./-]+$' }
    }
  })
  t.match(json, '"default":1.0')
  t.end()
})

t.test('knows numbers, not how they are written', t => {
  const { schemaTakes, checkTakes } = opinions(
    project({ epochs: { type: 'int' } }, 'python x.py {epochs}')
  )

  t.ok(schemaTakes('{"epochs": 1.0}'))
  t.notOk(checkTakes('{"epochs": 1.0}'))
  t.end()
})

t.test('an entry point that can never run takes nothing', t => {
  const { schema, schemaTakes } = opinions(project({}, 'python x.py {missing}'))

  t.same(schema.not, {})
  t.notOk(schemaTakes('{}'))
  t.end()
})
