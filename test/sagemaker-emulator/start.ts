/** An emulator over a real S3 server, with the SDK's clients of both, for one test file. */
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import {
  type CreateTrainingJobRequest,
  DescribeTrainingJobCommand,
  SageMakerClient
} from '@aws-sdk/client-sagemaker'
import type { Test } from 'tap'
import { startS3 } from '../helpers/s3-server.ts'
import { type EmulatorOptions, startSageMaker } from '../helpers/sagemaker/index.ts'

export const bucket = 'emulator'
export const role = 'arn:aws:iam::123456789012:role/training'

export async function startAll(t: Test, options: Omit<EmulatorOptions, 's3'> = {}) {
  const s3Server = await startS3()
  await s3Server.makeBucket(bucket)
  const emulator = await startSageMaker({ s3: s3Server, ...options })
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  const settings = { region: 'us-east-1', credentials, maxAttempts: 1 }
  const sagemaker = new SageMakerClient({ ...settings, endpoint: emulator.endpoint })
  const logs = new CloudWatchLogsClient({ ...settings, endpoint: emulator.endpoint })
  const s3 = new S3Client({ ...settings, endpoint: s3Server.endpoint, forcePathStyle: true })
  t.teardown(async () => {
    for (const client of [sagemaker, logs, s3]) client.destroy()
    await emulator.stop()
    await s3Server.stop()
  })
  return {
    emulator,
    s3Server,
    sagemaker,
    logs,
    put: (key: string, body: string | Buffer) =>
      s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body })),
    /** undefined where there is no such object. */
    async get(key: string): Promise<Buffer | undefined> {
      try {
        const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
        return Buffer.from((await Body?.transformToByteArray()) ?? [])
      } catch (error) {
        if ((error as Error).name === 'NoSuchKey') return undefined
        throw error
      }
    },
    describe: (name: string) =>
      sagemaker.send(new DescribeTrainingJobCommand({ TrainingJobName: name })),
    /** What DescribeTrainingJob says of the ended job. */
    async ended(name: string) {
      await emulator.jobs.get(name)?.ended
      return sagemaker.send(new DescribeTrainingJobCommand({ TrainingJobName: name }))
    }
  }
}

/** A request that the service accepts. */
export function trainingJob(
  name: string,
  more: Partial<CreateTrainingJobRequest> = {}
): CreateTrainingJobRequest {
  return {
    TrainingJobName: name,
    RoleArn: role,
    AlgorithmSpecification: {
      TrainingImage: '123456789012.dkr.ecr.us-east-1.amazonaws.com/train:1',
      TrainingInputMode: 'File'
    },
    OutputDataConfig: { S3OutputPath: `s3://${bucket}/jobs` },
    ResourceConfig: { InstanceType: 'ml.m5.xlarge', InstanceCount: 1, VolumeSizeInGB: 10 },
    StoppingCondition: { MaxRuntimeInSeconds: 3600 },
    ...more
  }
}
