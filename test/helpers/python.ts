/** The interpreter of the tests: one that has mlflow and uv. */
export function python(): string {
  const { PYTHON } = process.env
  if (PYTHON) return PYTHON
  throw new Error(
    'PYTHON is not set. Run the tests by npm test, or set it to an interpreter that has mlflow.'
  )
}
