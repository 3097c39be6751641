/** What clients have called, in the order of the answers. */
export interface Call {
  operation: string
  jobName?: string
  /** Milliseconds since 1970. */
  at: number
  /** ok, lost (done, but the connection was cut), or the name of the error. */
  outcome: string
  /** It was done, whatever was answered. */
  worked: boolean
}

export const countCalls = (calls: Call[], operation?: string, outcome?: string) =>
  calls.filter(
    call =>
      (operation === undefined || call.operation === operation) &&
      (outcome === undefined || call.outcome === outcome)
  ).length
