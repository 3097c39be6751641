/**
 * A running job's metrics as lines of its log, for a container whose files nobody can read before its end. The runtime
 * prints them where the service asks for it, and the service takes them out of the log again:
 *
 *   mlflow-jobs-metrics: {"run":"<run id>","metrics":{"loss":0.25,"gap":"NaN"}}
 */
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { MetricValue } from './run-report.ts'

export type Metrics = Record<string, MetricValue>

const prefix = 'mlflow-jobs-metrics: '
/** Log drivers cut lines in two at 16 KiB, and a character has at most three bytes. */
const lineCharacters = 4000
const mostMetrics = 1000
/** MLflow's own limit of a name. */
const nameCharacters = 250

const News = Type.Object({
  run: Type.String({ pattern: '^[0-9A-Za-z_-]{1,64}$' }),
  metrics: Type.Record(Type.String(), MetricValue)
})
/** Some of a run's metrics: those that have changed. */
export type MetricNews = Static<typeof News>

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
  return parts.map(each => prefix + JSON.stringify({ run, metrics: each }))
}

/** undefined where the line is another one; a program may print anything. */
export function readMetricLine(line: string): MetricNews | undefined {
  if (!line.startsWith(prefix)) return undefined
  try {
    const news: unknown = JSON.parse(line.slice(prefix.length))
    return Value.Check(News, news) ? news : undefined
  } catch {
    return undefined
  }
}

/** What is known of the run with the news; of an earlier run, as before a spot instance was taken away, nothing is left. */
export function addNews(known: MetricNews | undefined, { run, metrics }: MetricNews): MetricNews {
  const before = known?.run === run ? known.metrics : {}
  return { run, metrics: boundMetrics({ ...before, ...metrics }) }
}
