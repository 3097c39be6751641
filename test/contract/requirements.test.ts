import t from 'tap'
import { expandRequirements } from '../../src/contract/requirements.ts'
import { projectFiles } from '../helpers/project-files.ts'

const expand = (lines: string[], texts: Record<string, string>, folders = ['']) =>
  expandRequirements(lines, folders, 'conda.yaml', projectFiles(texts))

t.test('files named by -r are read in, relative to the file that names them', t => {
  const { lines, faults } = expand(['a', '-r env/requirements.txt', 'z'], {
    'env/requirements.txt': 'b==1 # why\n\n# none\n--requirement=more.txt\n',
    'env/more.txt': 'c \\\n  >=2 ; python_version > "3"\r\n-rlast.txt',
    'env/last.txt': 'd'
  })
  t.same(faults, [])
  t.same(lines, ['a', 'b==1', 'c   >=2 ; python_version > "3"', 'd', 'z'])
  t.end()
})

t.test('everything else stays as it is', t => {
  const written = [
    '-e .',
    './pkg',
    '-c constraints.txt',
    '--index-url https://example.org/simple',
    'a @ git+https://example.org/a#egg=a',
    '-r https://example.org/r.txt'
  ]
  t.same(expand(written, {}).lines, written)
  t.end()
})

t.test('a missing file is a fault, and so is one outside of the archive', t => {
  t.same(expand(['-r none.txt'], {}).faults, [
    'conda.yaml names the requirements file none.txt, which is not in the project.'
  ])
  t.same(expand(['-r ../../etc/passwd', '-r /etc/passwd'], {}).faults.length, 2)
  t.end()
})

t.test('the folders are tried in their order', t => {
  const texts = { 'env/r.txt': 'a', 'r.txt': 'b', 's.txt': 'c' }
  t.same(expand(['-r r.txt', '-r s.txt'], texts, ['env', '']).lines, ['a', 'c'])
  t.end()
})

t.test('files that name each other are read once', t => {
  const { lines, faults } = expand(['-r a.txt'], {
    'a.txt': 'a\n-r b.txt',
    'b.txt': 'b\n-r a.txt\n-r b.txt'
  })
  t.same(lines, ['a', 'b'])
  t.same(faults, [])
  t.end()
})

t.test('ten thousand lines are enough', t => {
  t.match(expand([], {}).faults, [])
  t.match(expand(['-r a.txt'], { 'a.txt': 'a\n'.repeat(20_000) }).faults, [
    'conda.yaml comes to more than 10000 requirement lines.'
  ])
  t.end()
})
