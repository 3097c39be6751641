/** The clients of AWS: region, credentials and endpoints are the SDK's own matter (AWS_REGION, AWS_ENDPOINT_URL_SAGEMAKER ...). */
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import { SageMakerClient } from '@aws-sdk/client-sagemaker'

/** What hangs must not hold up the other jobs. */
const requestHandler = {
  connectionTimeout: 5_000,
  requestTimeout: 20_000,
  throwOnRequestTimeout: true
}

/** `version`: of this service, for AWS's own logs. */
export function createClients(version: string) {
  const customUserAgent: [string, string][] = [['mlflow-jobs', version]]
  return {
    // Its calls are tried again here, in the light of what they do: a second CreateTrainingJob is no retry.
    sagemaker: new SageMakerClient({ customUserAgent, requestHandler, maxAttempts: 1 }),
    cloudWatchLogs: new CloudWatchLogsClient({ customUserAgent, requestHandler })
  }
}
