import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { checkSecretFiles } from '../../../../src/server/backends/local/secret-files.ts'
import { createPaths } from '../../../../src/server/paths.ts'
import { testFolder } from '../../../helpers/folder.ts'

t.test(
  'nothing in the service’s own folder is a secret of jobs, however wide the roots are',
  async t => {
    const root = testFolder(t)
    const folder = `${root}/service`
    await mkdir(folder)
    await writeFile(`${folder}/jobs.db`, 'x')
    await writeFile(`${root}/token`, 'x')
    await symlink(`${folder}/jobs.db`, `${root}/link`)
    const check = (name: string) =>
      checkSecretFiles(
        { tenant: 'a', secretReferences: { TOKEN: pathToFileURL(`${root}/${name}`).href } },
        { folder, secretRoots: [root] },
        createPaths()
      )
    for (const name of ['service/jobs.db', 'service/none', 'service', 'link'])
      t.match(
        await check(name),
        [{ pointer: '/environment/TOKEN', detail: /^The file must be below/ }],
        name
      )
    t.strictSame(await check('token'), [])
  }
)
