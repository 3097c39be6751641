/** The whole service with BACKEND=sagemaker and STORAGE=s3, over the emulator and a real S3 server. */
import type { Test } from 'tap'
import { trackingUri } from './mlflow.ts'
import { python } from './python.ts'
import { type S3Server, startS3 } from './s3-server.ts'
import { type EmulatorOptions, type SageMakerEmulator, startSageMaker } from './sagemaker/index.ts'
import { type TestService, testService } from './service.ts'

export interface SageMakerService extends TestService {
  emulator: SageMakerEmulator
  s3: S3Server
}

const bucket = 'training'

/** What the service needs to be told besides where the emulator is. */
export const sagemakerEnvironment = {
  BACKEND: 'sagemaker',
  STORAGE: 's3',
  S3_BUCKET: bucket,
  S3_PREFIX: 'mlflow-jobs/',
  SAGEMAKER_ROLE_ARN: 'arn:aws:iam::123456789012:role/training',
  SAGEMAKER_IMAGE_URI: '123456789012.dkr.ecr.us-east-1.amazonaws.com/mlflow-jobs-train:latest',
  SAGEMAKER_POLL_SECONDS: '1'
}

export async function sagemakerService(
  t: Test,
  options: {
    knobs?: EmulatorOptions['knobs']
    environment?: Record<string, string>
    startStorage?: () => Promise<S3Server>
  } = {}
): Promise<SageMakerService> {
  const s3 = await (options.startStorage ?? startS3)()
  await s3.makeBucket(bucket)
  const emulator = await startSageMaker({
    s3,
    python: python(),
    ...(options.knobs ? { knobs: options.knobs } : {})
  })
  const environment = { ...emulator.environment, ...sagemakerEnvironment, ...options.environment }
  // The AWS SDK reads the environment by itself.
  Object.assign(process.env, emulator.environment)
  const service = await testService(t, {
    MLFLOW_TRACKING_URI: await trackingUri(),
    ...environment
  })
  t.teardown(async () => {
    await service.close()
    await emulator.stop()
    await s3.stop()
  })
  return { ...service, emulator, s3 }
}
