/** The interpreters of the tests. */

/** One that has mlflow and uv. */
export function python(): string {
  const { PYTHON } = process.env
  if (PYTHON) return PYTHON
  throw new Error(
    'PYTHON is not set. Run the tests by npm test, or set it to an interpreter that has mlflow.'
  )
}

/** One that has what test/requirements.txt names. */
export function toolsPython(): string {
  const { TEST_TOOLS_PYTHON } = process.env
  if (TEST_TOOLS_PYTHON) return TEST_TOOLS_PYTHON
  throw new Error(
    'TEST_TOOLS_PYTHON is not set. Run the tests by npm test, or set it to an interpreter that has what test/requirements.txt names.'
  )
}
