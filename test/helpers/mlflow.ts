/** The tracking server that all tests share. */
export async function trackingUri(): Promise<string> {
  const { TEST_MLFLOW_TRACKING_URI } = process.env
  if (TEST_MLFLOW_TRACKING_URI) return TEST_MLFLOW_TRACKING_URI
  throw new Error(
    'TEST_MLFLOW_TRACKING_URI is not set. Run the tests by npm test, or set it to an mlflow server.'
  )
}
