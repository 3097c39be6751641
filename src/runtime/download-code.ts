/** Code in S3, brought by the Python process: what AWS's own library reads (endpoints, regions, credentials) holds. */
import { TrainingError, userError } from './failure.ts'
import { type Mlflow, MlflowError } from './mlflow.ts'

/** Throws an error that names the object and says why it cannot be had. */
export async function downloadCode(
  { downloadObject }: Pick<Mlflow, 'downloadObject'>,
  uri: string,
  file: string,
  python: string
): Promise<void> {
  if (!/^s3:\/\/[^/]+\/./.test(uri)) {
    throw userError(
      `The code cannot be read: sagemaker_submit_directory is ${uri}, and is to name an object, such as s3://bucket/path/code.tar.gz.`
    )
  }
  try {
    await downloadObject({ uri, file })
  } catch (error) {
    throw error instanceof MlflowError ? explained(error, uri, python) : error
  }
}

function explained(error: MlflowError, uri: string, python: string): TrainingError {
  const { type, code, message } = error
  const platform = (text: string) => new TrainingError('platform', text, { cause: error })
  if (type === 'ModuleNotFoundError') {
    return platform(
      `The code is at ${uri}, and the interpreter that is to read it (${python}) has no boto3. Install boto3 there, or give the code in the input channel "code".`
    )
  }
  if (code === '404' || code === 'NoSuchKey' || code === 'NoSuchBucket') {
    return userError(`The code cannot be read: there is no ${uri}.`, { cause: error })
  }
  if (code === '403' || code === 'AccessDenied') {
    return platform(
      `The code at ${uri} may not be read: the job's role needs s3:GetObject for it. S3 says the same where the object is missing and the role may not list the bucket.`
    )
  }
  return platform(`The code at ${uri} cannot be read: ${type}: ${message}`)
}
