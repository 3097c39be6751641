/** The service's side of metric-lines.ts. */
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { metricLinePrefix } from './metric-lines.ts'
import { MetricValue } from './run-report.ts'

const News = Type.Object({
  run: Type.String({ pattern: '^[0-9A-Za-z_-]{1,64}$' }),
  metrics: Type.Record(Type.String(), MetricValue)
})
/** Some of a run's metrics: those that have changed. */
export type MetricNews = Static<typeof News>

/** undefined where the line is another one; a program may print anything. */
export function readMetricLine(line: string): MetricNews | undefined {
  if (!line.startsWith(metricLinePrefix)) return undefined
  try {
    const news: unknown = JSON.parse(line.slice(metricLinePrefix.length))
    return Value.Check(News, news) ? news : undefined
  } catch {
    return undefined
  }
}
