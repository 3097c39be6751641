import { readdirSync } from 'node:fs'
import { execa } from 'execa'
import fc from 'fast-check'
import t from 'tap'
import { isPlainValue, namedScripts, readCommand } from '../../src/contract/command.ts'

// A dollar sign and a brace, which are a template's in this language.
const brace = '\u0024{'

const hazardOf = (command: string) => readCommand(command, new Set(['x'])).hazards.get('x')

const fill = (command: string, value: string) =>
  command.replace(/\{\{|\}\}|\{x\}/g, written =>
    written === '{x}' ? `'${value.replaceAll("'", `'"'"'`)}'` : written.charAt(0)
  )

// Ends quotes, substitutions, comments and lines of every kind, and leaves a trace where any of it is run.
const hostile = [
  '$(>ran)',
  "';>ran;'",
  '";>ran;"',
  '`>ran`',
  '\n>ran\n',
  '\'"$(>ran)"\'',
  ')}]];>ran;#',
  "\\';>ran;#",
  'a[$(>ran)]',
  '\nE\n>ran\n'
]

// One shell for all values: each is read and run by itself, as by `bash -c`.
async function runsValue(folder: string, command: string): Promise<boolean> {
  const lines = hostile.map(value => fill(command, value))
  const { stdout } = await execa(
    '/bin/bash',
    ['-c', 'for line; do (eval "$line") >&2 2>&1; done; echo done', 'bash', ...lines],
    {
      cwd: folder,
      stdin: 'ignore',
      stderr: 'ignore',
      timeout: 20_000,
      env: { PATH: '' },
      extendEnv: false
    }
  )
  if (stdout !== 'done')
    throw new Error(`The shell did not get through ${JSON.stringify(command)}.`)
  return readdirSync(folder).includes('ran')
}

for (const [command, hazard] of [
  ['python t.py {x}', undefined],
  ['python t.py --x={x}', undefined],
  ['python t.py $(echo {x})', undefined],
  ['python t.py "$(echo {x})"', undefined],
  ["python t.py \\'{x}\\'", undefined],
  ['python t.py \'a\' "b" {x}', undefined],
  ['(cd a; python t.py {x})', undefined],
  ['python t.py <<< {x}', undefined],
  ['python t.py $$ $#{x}', undefined],
  ['python t.py a#{x}', undefined],
  ['# c\npython t.py {x}', undefined],
  [`python t.py ${brace}{HOME}} {x}`, undefined],
  [`python t.py "${brace}{HOME}}/x" {x}`, undefined],
  ['echo $((1 + 2)) {x}', undefined],
  ['python t.py "{x}"', 'in double quotes'],
  ["python t.py '{x}'", 'in single quotes'],
  ["python t.py $'{x}'", "in $'...'"],
  ['python t.py `echo {x}`', 'in backticks'],
  ['python t.py `echo $(echo {x})`', 'in backticks'],
  ['python t.py "$(echo "{x}")"', 'in double quotes'],
  [`python t.py ${brace}{A:-{x}}}`, 'in a parameter expansion'],
  ['echo $(({x}))', 'in ((...))'],
  ['(({x}))', 'in ((...))'],
  ['[[ {x} -eq 1 ]]', 'in [[...]]'],
  ['python t.py # {x}', 'in a comment'],
  ['cat <<E\n{x}\nE', 'in a here-document'],
  ['cat <<{x}', 'in a here-document'],
  ['python t.py \\{x}', 'right behind "\\"'],
  [`python t.py ${brace}x}`, 'right behind "$"'],
  ['case a in a) echo {x};; esac', 'in a command with "case"'],
  [`python t.py "${brace}{A:-it's}}" {x}`, 'where the quoting is too involved to be followed'],
  [`${'( '.repeat(200)}{x}`, 'where the quoting is too involved to be followed']
] as const) {
  t.test(
    `in ${JSON.stringify(command.slice(0, 60))} a value stands ${hazard ?? 'by itself'}`,
    t => {
      t.equal(hazardOf(command), hazard)
      t.end()
    }
  )
}

t.test('the shell runs no value where no hazard is seen', async t => {
  const piece = fc.constantFrom(
    'echo ',
    '{x}',
    '{x}',
    ' {x} ',
    "'",
    '"',
    '\\',
    '$',
    '$(',
    '(',
    ')',
    '`',
    `${brace}{A:-`,
    '}}',
    '#',
    ' # ',
    '\n',
    ' ',
    '((',
    '))',
    '[[ ',
    ' ]]',
    '<<E\n',
    '<<<',
    '\nE\n',
    ';',
    ' -eq 1',
    "$'",
    'a',
    '{{',
    '&&'
  )
  let seen = 0
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { minLength: 2, maxLength: 10 }), async pieces => {
      const command = pieces.join('')
      if (!command.includes('{x}') || hazardOf(command) !== undefined) return
      seen++
      const folder = t.testdir()
      t.notOk(await runsValue(folder, command), command)
    }),
    { numRuns: 300 }
  )
  t.ok(seen > 20)
})

t.test('the shell runs values where hazards are seen', async t => {
  for (const command of [
    'echo "{x}"',
    "echo '{x}'",
    'echo `echo {x}`',
    'echo # {x}',
    'cat <<E\n{x}\nE',
    'echo \\{x}',
    '[[ {x} -eq 1 ]]',
    'echo $(({x}))'
  ]) {
    t.ok(await runsValue(t.testdir(), command), command)
    t.ok(hazardOf(command), command)
  }
})

t.test('plain values are those that shlex.quote leaves alone', t => {
  for (const value of ['a', '0.5', '1e-5', 's3://b/k', 'a=b,c', '-x', 'a@b%c'])
    t.ok(isPlainValue(value), value)
  for (const value of ['', ' ', 'a b', '$x', 'é', 'a\n', '~', '*', '!'])
    t.notOk(isPlainValue(value), JSON.stringify(value))
  t.end()
})

t.test('what str.format cannot fill in is a fault', t => {
  const faults = (command: string) => readCommand(command, new Set(['x', 'b-s'])).faults
  t.same(faults('{x} {b-s} {{y}} {{{x}}}'), [])
  t.same(faults('{y}'), [
    'its placeholder {y} is no declared parameter; MLflow fills in declared parameters only, and a brace of the shell is written twice, as "{{"'
  ])
  t.same(faults('{ x }'), ['its placeholder { x } is no declared parameter; write {x}'])
  t.same(faults('{x!r}'), ['its placeholder {x!r} is more than a name; write {x}'])
  t.same(faults('{x[0]}'), ['its placeholder {x[0]} is more than a name; write {x}'])
  t.match(faults('{x'), [/a single "\{"/])
  t.match(faults('x}'), [/a single "\}"/])
  t.match(faults('{}'), [/\{\} is no declared parameter/])
  t.match(faults('a\0'), [/NUL/])
  t.end()
})

t.test('a command that ends open is told from one that can be added to', t => {
  const endsOpen = (command: string) => readCommand(command, new Set(['x'])).endsOpen
  for (const command of ['a\n', 'a \n  ', 'a;', 'a &', 'a |', 'a # b', 'a {x}\n'])
    t.ok(endsOpen(command), JSON.stringify(command))
  for (const command of ['a', 'a \\\n', 'a {x}', 'a > b', 'a 2>&1', 'a \\;', 'a\n{x}'])
    t.notOk(endsOpen(command), JSON.stringify(command))
  t.end()
})

t.test('scripts are found behind their interpreters', t => {
  t.same(namedScripts('python train.py --x a.py && python3.11 -u src/b.py; bash run.sh'), [
    'train.py',
    'src/b.py',
    'run.sh'
  ])
  t.same(namedScripts('A=1 /usr/bin/python -m pkg a.py | tee x.py'), [])
  t.same(namedScripts('python -c "import a.py"'), [])
  t.same(namedScripts('cd src && python train.py'), [])
  t.same(namedScripts('python {script}.py $HOME/a.py'), [])
  t.end()
})

t.test('long commands are read in time', t => {
  const long = [
    '(',
    '`',
    '"',
    "'",
    '$(',
    '{x}',
    '({x}',
    '`{x}',
    '"{x}',
    '<<',
    '{',
    '}',
    '\\',
    'python ',
    '-',
    '#',
    `${brace}{`
  ]
  for (const text of long) {
    const command = text.repeat(100_000 / text.length)
    const { user } = process.cpuUsage()
    readCommand(command, new Set(['x']))
    namedScripts(command)
    t.ok(
      process.cpuUsage().user - user < 2_000_000,
      `${text}: seconds of the processor, where a few hundredths do`
    )
  }
  t.end()
})
