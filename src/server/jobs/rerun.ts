/** The fields of a job that was submitted before, as its caller might send them again. */
import type { FieldTexts } from './check-fields.ts'
import type { JobRecord } from './job.ts'

export function fieldsOf(job: JobRecord): FieldTexts {
  const { project, name, entryPoint, parameters } = job
  const texts: FieldTexts = new Map([
    ['project', project.digest],
    ['path', project.path],
    ['entryPoint', entryPoint],
    ['parameters', objectOf(parameters)]
  ])
  if (name !== null) texts.set('name', name)
  for (const field of ['run', 'environment', 'resources', 'inputs', 'tags'] as const)
    texts.set(field, JSON.stringify(job[field]))
  return texts
}

const objectOf = (tokens: Record<string, string>) =>
  `{${Object.entries(tokens)
    .map(([name, token]) => `${JSON.stringify(name)}:${token}`)
    .join(',')}}`
