/** The lines of a project's environment file. */
import type { ProjectEnvironment } from '../contract/project.ts'
import { isArn } from './settings.ts'

/** The version of Python that is wanted; null: any will do. */
export function wantedPython(
  { python }: ProjectEnvironment,
  pin: 'exact' | 'minor'
): string | null {
  return pin === 'minor' ? (/^\d+\.\d+/.exec(python ?? '')?.[0] ?? python) : python
}

/** A requirement that names files of the project, so that its environment is the project's alone. */
export function isLocal(line: string): boolean {
  if (/^\s*(?:-e|--editable|-r|--requirement|-c|--constraint|-f|--find-links)\b/.test(line))
    return true
  if (/\bfile:/.test(line)) return true
  return !line.includes('://') && (/^\s*\./.test(line) || /[/\\]|\.whl\s*$/.test(line))
}

/**
 * What MLflow's client needs, besides itself, to log where the job logs to: for an ARN of SageMaker's MLflow, whose
 * artifacts are in S3, and for a run whose artifacts are in S3. What the project requires itself is left to it.
 */
export function loggingPackages(
  trackingUri: string,
  artifactUri: string | null,
  { requirements }: ProjectEnvironment
): string[] {
  const needed = isArn(trackingUri)
    ? ['boto3', 'sagemaker-mlflow']
    : artifactUri?.startsWith('s3:')
      ? ['boto3']
      : []
  const own = requirements.map(line => /^[\w.-]+/.exec(line.trim())?.[0].replace(/[-_.]+/g, '-'))
  return needed.filter(name => !own.some(each => each?.toLowerCase() === name))
}
