/**
 * What the service counts and measures, for Prometheus. Labels take few values (routes' templates, names of methods,
 * codes of errors), never addresses, ids or anything else that a caller chooses: the number of series has a bound.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export interface Metrics {
  registry: Registry
  /** By method, route and class of the status; "gone" is an answer that nobody waited for. */
  requests: Histogram<'method' | 'route' | 'status'>
  /** Errors that were answered, by code. */
  problems: Counter<'code'>
  /** What was asked of store, storage and backend. */
  calls: Counter<'part' | 'operation' | 'outcome'>
  callDuration: Histogram<'part'>
  turns: Counter<'outcome'>
  turnDuration: Histogram
  lastGoodTurn: Gauge
  stumbles: Counter
  transitions: Counter<'status' | 'failure'>
  queueWait: Histogram
}

export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  return {
    registry,
    requests: new Histogram({
      name: 'mlflow_jobs_http_request_duration_seconds',
      help: 'From a request’s headers to the end of its answer; waiting and following included.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.025, 0.1, 0.5, 2.5, 10, 60],
      registers
    }),
    problems: new Counter({
      name: 'mlflow_jobs_http_problems_total',
      help: 'Errors that were answered, by code (docs/errors.md).',
      labelNames: ['code'],
      registers
    }),
    calls: new Counter({
      name: 'mlflow_jobs_calls_total',
      help: 'Calls of the store, the storage and the backend; outcome is ok or failed.',
      labelNames: ['part', 'operation', 'outcome'],
      registers
    }),
    callDuration: new Histogram({
      name: 'mlflow_jobs_call_duration_seconds',
      help: 'How long the store, the storage and the backend take for a call.',
      labelNames: ['part'],
      buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60],
      registers
    }),
    turns: new Counter({
      name: 'mlflow_jobs_loop_turns_total',
      help: 'Turns of the loop that moves jobs on; outcome is ok or failed.',
      labelNames: ['outcome'],
      registers
    }),
    turnDuration: new Histogram({
      name: 'mlflow_jobs_loop_turn_duration_seconds',
      help: 'How long a turn of the loop takes.',
      buckets: [0.005, 0.025, 0.1, 0.5, 2.5, 10, 60],
      registers
    }),
    lastGoodTurn: new Gauge({
      name: 'mlflow_jobs_loop_last_good_turn_timestamp_seconds',
      help: 'When the loop’s last turn without an error ended; 0: not yet in this process.',
      registers
    }),
    stumbles: new Counter({
      name: 'mlflow_jobs_loop_stumbles_total',
      help: 'Jobs that could not be moved on in a turn; the next one tries again.',
      registers
    }),
    transitions: new Counter({
      name: 'mlflow_jobs_transitions_total',
      help: 'Changes of a job’s status, by the new one; failure says whose fault it is.',
      labelNames: ['status', 'failure'],
      registers
    }),
    queueWait: new Histogram({
      name: 'mlflow_jobs_queue_wait_seconds',
      help: 'From a job’s submission to its start.',
      buckets: [1, 10, 60, 600, 3600, 21_600, 86_400],
      registers
    })
  }
}

/** Of the process and of Node; not those with a series for each kind of handle, heap space and garbage collection. */
export function measureProcess({ registry }: Metrics): void {
  collectDefaultMetrics({ register: registry })
  for (const name of registry.getMetricsAsArray().map(({ name }) => name))
    if (tooMany.test(name)) registry.removeSingleMetric(name)
}

/** nodejs_eventloop_lag_seconds stays: only when it is read is its 99th percentile measured. */
const tooMany =
  /^nodejs_(active_|gc_|heap_space_|eventloop_lag_(min|max|mean|stddev|p50|p90)|version)/
