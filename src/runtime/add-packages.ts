import { uvVariables } from '../system/uv-variables.ts'
import { type Builder, runBuilder } from './run-builder.ts'

/** Installs what is needed to log, where it is not there already. */
export async function addPackages(
  python: string,
  packages: string[],
  builder: Builder
): Promise<void> {
  if (packages.length === 0) return
  await runBuilder(
    `What is needed to log (${packages.join(', ')}) could not be installed`,
    'uv',
    ['pip', 'install', '--python', python, ...packages],
    { ...builder, env: uvVariables(builder.env) }
  )
}
