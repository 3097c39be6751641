import t from 'tap'
import { makeTar } from '../../helpers/archives.ts'
import { inspect, refuse } from '../../helpers/inspect.ts'

const archiveOf = (...paths: string[]): Buffer => makeTar(paths.map(path => ({ path })))

type Found = [title: string, files: string[], asked: string | undefined, path: string]

const found: Found[] = [
  ['in the root', ['MLproject', 'a/b'], undefined, ''],
  ['in the root, though other projects lie below', ['MLproject', 'a/MLproject'], undefined, ''],
  ['in the root, by a name in another case', ['mlPROJECT'], undefined, ''],
  ['in the only folder', ['top/MLproject', 'top/a/b'], undefined, 'top'],
  [
    'in the only folder, though other projects lie below it',
    ['top/MLproject', 'top/a/MLproject'],
    undefined,
    'top'
  ],
  ['in the folder that is asked for', ['MLproject', 'a/b/MLproject'], 'a/b', 'a/b'],
  ['in the folder with a slash at the end', ['a/b/MLproject'], 'a/b/', 'a/b'],
  ['in the folder with dots and doubled slashes', ['a/b/MLproject'], './a//./b', 'a/b'],
  ['in the root when asked for .', ['MLproject', 'a/MLproject'], '.', ''],
  ['in the root when asked for nothing', ['MLproject', 'a/MLproject'], '', ''],
  ['in a folder that bears the name itself', ['MLproject/MLproject'], undefined, 'MLproject']
]

for (const [title, files, asked, path] of found) {
  t.test(`finds the project ${title}`, async t => {
    const options = asked === undefined ? {} : { path: asked }
    t.equal((await inspect(t, archiveOf(...files), options)).path, path)
  })
}

type Missing = [
  title: string,
  files: string[],
  asked: string | undefined,
  pointer: string,
  detail: string
]

const missing: Missing[] = [
  [
    'an archive without entries',
    [],
    undefined,
    '/project',
    'There is no MLproject file in the root of the archive. There is none anywhere in the archive.'
  ],
  [
    'an archive without a project',
    ['train.py', 'mlproject.yaml'],
    undefined,
    '/project',
    'There is no MLproject file in the root of the archive. There is none anywhere in the archive.'
  ],
  [
    'a project in one of several folders, which it names',
    ['a/MLproject', 'b/c'],
    undefined,
    '/project',
    `There is no MLproject file in the root of the archive. There is one in 'a': name the folder in the field "path".`
  ],
  [
    'a project deeper than the only folder',
    ['top/a/MLproject', 'top/b/MLproject'],
    undefined,
    '/project',
    `There is no MLproject file in the root of the archive or in its only folder 'top'. There is one in 'top/a', 'top/b': name the folder in the field "path".`
  ],
  [
    'twelve projects, of which it names ten',
    Array.from({ length: 12 }, (_, i) => `${String.fromCharCode(97 + i)}/MLproject`),
    undefined,
    '/project',
    `There is no MLproject file in the root of the archive. There is one in 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j' and 2 more folders: name the folder in the field "path".`
  ],
  [
    'a folder that is not there',
    ['MLproject'],
    'a',
    '/path',
    `There is no folder 'a' in the archive. There is one in the root: leave the field "path" out.`
  ],
  [
    'a folder without a project',
    ['MLproject', 'a/b'],
    'a',
    '/path',
    `There is no MLproject file in the folder 'a'. There is one in the root: leave the field "path" out.`
  ],
  [
    'a path without a project where there are some, one in the root',
    ['MLproject', 'a/x', 'b/MLproject'],
    'a',
    '/path',
    `There is no MLproject file in the folder 'a'. There is one in the root, 'b': leave the field "path" out for the root, or name the folder in it.`
  ],
  [
    'a path of a file',
    ['MLproject'],
    'MLproject',
    '/path',
    `There is no folder 'MLproject' in the archive. There is one in the root: leave the field "path" out.`
  ],
  [
    'a path out of the archive',
    ['MLproject'],
    'a/../..',
    '/path',
    `'a/../..' leads out of the archive; name a folder inside it, such as 'examples/train'.`
  ],
  [
    'an absolute path',
    ['etc/MLproject'],
    '/etc',
    '/path',
    `'/etc' leads out of the archive; name a folder inside it, such as 'examples/train'.`
  ],
  [
    'a name in another case',
    ['Train/MLproject'],
    'train',
    '/path',
    `There is no folder 'train' in the archive. There is one in 'Train': name the folder in the field "path".`
  ]
]

for (const [title, files, asked, pointer, detail] of missing) {
  t.test(`refuses ${title}`, async t => {
    const options = asked === undefined ? {} : { path: asked }
    const { code, faults } = await refuse(t, archiveOf(...files), options)
    t.equal(code, 'SUBMISSION_INVALID')
    t.strictSame(faults, [{ pointer, detail }])
  })
}

for (const folder of ['a#b', "it's'", 'quoted"', 'code.zip'])
  t.test(`refuses the folder ${folder}, where MLflow would look elsewhere`, async t => {
    const asked = await refuse(t, archiveOf('MLproject', `${folder}/MLproject`), { path: folder })
    t.match(asked.faults, [{ pointer: '/path', detail: /MLflow.*would look elsewhere/ }])
    const only = await refuse(t, archiveOf(`${folder}/MLproject`))
    t.match(only.faults, [{ pointer: '/project', detail: /MLflow.*would look elsewhere/ }])
  })
