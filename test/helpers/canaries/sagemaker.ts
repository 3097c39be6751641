/** A service over the emulator of SageMaker, a real S3 server and an AWS Secrets Manager. */
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { s3ClientFor } from '../s3-client.ts'
import { startS3 } from '../s3-server.ts'
import { startSageMaker } from '../sagemaker/index.ts'
import { sagemakerEnvironment } from '../sagemaker-service.ts'
import { startSecretsManager } from '../secrets-manager.ts'
import { plainValues, type SetScene } from './play.ts'

const prefix = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:canaries/'

/** `python` has what the training image has. */
export const sagemaker =
  (python: string): SetScene =>
  async canaries => {
    process.env.AWS_SECRET_ACCESS_KEY = canaries.plant('AWS_SECRET_ACCESS_KEY')
    const s3 = await startS3()
    await s3.makeBucket(sagemakerEnvironment.S3_BUCKET)
    const manager = await startSecretsManager()
    const emulator = await startSageMaker({
      s3: { ...s3, environment: { ...s3.environment, ...manager.environment } },
      python
    })
    return {
      environment: {
        ...emulator.environment,
        ...sagemakerEnvironment,
        SECRET_ARN_PREFIXES: prefix
      },
      jobs: {
        marked: false,
        builds: false,
        missing: `${prefix}none-AbCdEf`,
        async keep(secret) {
          const arn = `${prefix}${manager.secrets.size}-AbCdEf`
          manager.secrets.set(arn, secret)
          return arn
        }
      },

      async act({ ask, post }, project) {
        const broken: string[] = []
        const secret = canaries.plant('refused, marked on SageMaker')
        const environment = { A: { value: secret, secret: true } }
        const { status } = await post('/jobs', {
          project,
          parameters: { mode: 'end' },
          environment
        })
        if (status !== 422) broken.push(`a marked secret on SageMaker: ${status}`)
        const { items } = JSON.parse((await ask('/jobs?status=succeeded')).text)
        const { headers } = await ask(`/jobs/${items[0]?.id}/model?redirect=true`)
        const signature = new URL(headers.get('location') ?? 'x:').searchParams.get(
          'X-Amz-Signature'
        )
        if (signature) canaries.add('presigned URL', signature)
        else broken.push('there was no presigned URL')
        return broken
      },

      async search() {
        for (const { name, description, tags } of emulator.jobs.values()) {
          const { Environment, ...request } = description
          const others = JSON.stringify({ ...request, tags: [...tags] })
          canaries.search(`CreateTrainingJob of ${name}`, others)
          // The operator's own tracking server is among the variables, too.
          const except = new RegExp(`${plainValues.source}|MLFLOW_TRACKING_URI`)
          canaries.search(`the variables of ${name}`, JSON.stringify(Environment), except)
        }
        const client = new S3Client({ ...s3ClientFor(s3.endpoint), forcePathStyle: true })
        const Bucket = sagemakerEnvironment.S3_BUCKET
        const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }))
        for (const { Key } of Contents) {
          const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }))
          canaries.search(`S3, ${Key},`, Buffer.from((await Body?.transformToByteArray()) ?? []))
        }
        client.destroy()
      },

      async end() {
        await emulator.stop()
        manager.stop()
        await s3.stop()
      }
    }
  }
