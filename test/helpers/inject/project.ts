/** The project that carries texts: the same in folders of odd names, with a file of each name. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeTar } from '../archives.ts'

/** Of each kind of parameter in the project. */
export const slots = 30
export const slotNames = Array.from({ length: slots }, (_, n) => String(n).padStart(2, '0'))

/** Folders and files that a command line or MLflow could take for more than names. */
export const names = (command: string) => [
  'plain',
  'a b',
  `$(${command})`,
  `\`${command}\``,
  `';${command};'`,
  `";${command};"`,
  `;${command};`,
  `{${command}}`,
  `&& ${command} #`,
  '-rf',
  '--help',
  '{p00}',
  '$HOME',
  '~',
  '*',
  'a#b',
  'a.zip'
]

/** MLflow would read another folder there. */
export const isMisread = (folder: string) => /#|['"]$|\.zip$/.test(folder)

/** The same project in each folder, with a file of each folder's name. */
export async function addProject(url: string, folders: string[]): Promise<string> {
  const echo = await readFile(join(import.meta.dirname, '../../fixtures/echo.py'))
  const parameters = slotNames.flatMap(slot => [
    `      p${slot}: {type: string, default: ""}`,
    `      w${slot}: {type: string, default: ""}`,
    `      u${slot}: {type: uri, default: "s3://bucket/none"}`,
    `      n${slot}: {type: float, default: "0"}`,
    `      q${slot}: {type: string, default: ""}`,
    `      f${slot}: {type: path, default: "MLproject"}`
  ])
  const words = slotNames.map(
    slot =>
      `--p${slot} {p${slot}} w${slot}={w${slot}} --u${slot} {u${slot}} --n${slot} {n${slot}} --q${slot} "{q${slot}}" --f${slot} {f${slot}}`
  )
  const text = `name: echo
entry_points:
  main:
    parameters:
${parameters.join('\n')}
    command: >-
      python echo.py ${words.join(' ')}
`
  const entries = folders.flatMap(folder => [
    { path: `${folder}/MLproject`, body: text },
    { path: `${folder}/echo.py`, body: echo },
    ...folders.map(name => ({ path: `${folder}/files/${name}`, body: 'x' }))
  ])
  const response = await fetch(`${url}/projects?path=plain`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-tar' },
    body: new Uint8Array(makeTar(entries, { format: 'gnu' }))
  })
  const answer = await response.text()
  if (!response.ok) throw new Error(answer)
  return (JSON.parse(answer) as { digest: string }).digest
}
