/**
 * A running job's metrics as lines of its log, for a container whose files nobody can read before its end. The runtime
 * prints them where the service asks for it, and the service takes them out of the log again:
 *
 *   mlflow-jobs-metrics: {"run":"<run id>","metrics":{"loss":0.25,"gap":"NaN"}}
 */
import type { MetricNews } from './read-metric-line.ts'
import type { MetricValue } from './run-report.ts'

export type Metrics = Record<string, MetricValue>

export const metricLinePrefix = 'mlflow-jobs-metrics: '
/** Log drivers cut lines in two at 16 KiB, and a character has at most three bytes. */
const lineCharacters = 4000
const mostMetrics = 1000
/** MLflow's own limit of a name. */
const nameCharacters = 250

/** What is told of a running job: the first 1,000 by name, and none whose name MLflow would not take. */
export function boundMetrics(metrics: Metrics): Metrics {
  const names = Object.keys(metrics).filter(name => name.length <= nameCharacters)
  const kept = names.sort().slice(0, mostMetrics)
  return Object.fromEntries(kept.map(name => [name, metrics[name] ?? 'NaN']))
}

/** Without line ends; none where there are no metrics. */
export function metricLines({ run, metrics }: MetricNews): string[] {
  const parts: Metrics[] = []
  let part: Metrics = {}
  let room = 0
  for (const [name, value] of Object.entries(metrics)) {
    const characters = JSON.stringify({ [name]: value }).length
    if (characters > room) {
      part = {}
      parts.push(part)
      room = lineCharacters
    }
    part[name] = value
    room -= characters
  }
  return parts.map(each => metricLinePrefix + JSON.stringify({ run, metrics: each }))
}

/** What is known of the run with the news; of an earlier run, as before a spot instance was taken away, nothing is left. */
export function addNews(known: MetricNews | undefined, { run, metrics }: MetricNews): MetricNews {
  const before = known?.run === run ? known.metrics : {}
  return { run, metrics: boundMetrics({ ...before, ...metrics }) }
}
