/** The service as a process, with data folders that are none. */
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { execa, execaSync } from 'execa'
import t, { type Test } from 'tap'

const main = join(import.meta.dirname, '../../src/server/main.ts')

/** A folder that takes no others, whoever asks: of the kernel on Linux, of the system on macOS. */
const closed = process.platform === 'darwin' ? '/System' : '/proc'

/** root may write everywhere, unless it gives that up. */
const asRoot = process.getuid?.() === 0
const lessThanRoot = ['setpriv', '--bounding-set=-dac_override,-dac_read_search']
const cannotDropRights =
  asRoot &&
  execaSync('setpriv', ['--version'], { reject: false }).failed &&
  'root may write everywhere, and there is no setpriv here to give that up'

async function isRefused(t: Test, dataDir: string, code: RegExp, wrapper: string[] = []) {
  const [command = '', ...words] = [...wrapper, process.execPath, main]
  const { exitCode, stdout, stderr } = await execa(command, words, {
    env: { DATA_DIR: dataDir, PORT: '0', LOG_LEVEL: 'silent' },
    reject: false,
    timeout: 60_000,
    killSignal: 'SIGKILL'
  })
  t.equal(exitCode, 1)
  const [, said] =
    /^The data folder (.*) Make it writable, or set DATA_DIR to another folder\.$/.exec(stderr) ??
    []
  t.match(said, new RegExp(`^${RegExp.escape(dataDir)} cannot be written \\(${code.source}\\)\\.$`))
  t.equal(stdout, '')
}

t.test('a place that takes no folders is refused, however deep the data folder lies', async t => {
  const code = /EACCES|ENOENT|EPERM|EROFS/
  await isRefused(t, join(closed, 'mlflow-jobs'), code)
  await isRefused(t, join(closed, 'mlflow-jobs/a/b'), code)
})

t.test('a file in the way is refused', async t => {
  const file = join(t.testdir({ file: 'x' }), 'file')
  await isRefused(t, file, /EEXIST/)
  await isRefused(t, join(file, 'data'), /ENOTDIR/)
})

t.test('a folder without permission to write is refused', { skip: cannotDropRights }, async t => {
  const folder = t.testdir({ data: {} })
  await chmod(join(folder, 'data'), 0o500)
  const wrapper = asRoot ? lessThanRoot : []
  await isRefused(t, join(folder, 'data'), /ERR_SQLITE_ERROR/, wrapper)
  await isRefused(t, join(folder, 'data/deeper'), /EACCES/, wrapper)
})
