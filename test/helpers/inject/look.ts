import type { Job } from '../../../src/server/routes/schemas.ts'
import type { Seen } from './places.ts'

/** The program's own words, the job as it is answered, and its run as MLflow's server has it. */
export async function look(url: string, job: Job): Promise<{ seen: Seen; at: string }> {
  const echoed = await fetch(`${url}/jobs/${job.id}/model/files/echo.json`)
  const echo = (await echoed.json()) as {
    words: string[]
    environment: Record<string, string>
    folder: string
  }
  const api = `${job.run?.trackingUri}/api/2.0/mlflow`
  const { run } = (await (await fetch(`${api}/runs/get?run_id=${job.run?.id}`)).json()) as {
    run: {
      info: { run_name: string; experiment_id: string }
      data: { tags: { key: string; value: string }[] }
    }
  }
  const { experiment } = (await (
    await fetch(`${api}/experiments/get?experiment_id=${run.info.experiment_id}`)
  ).json()) as { experiment: { name: string } }
  const seen = {
    words: echo.words.map(text),
    environment: Object.fromEntries(
      Object.entries(echo.environment).map(([name, value]) => [text(name), text(value)])
    ),
    job,
    run: {
      name: run.info.run_name,
      experiment: experiment.name,
      tags: Object.fromEntries(run.data.tags.map(({ key, value }) => [key, value]))
    }
  }
  return { seen, at: text(echo.folder) }
}

/** Throws where the bytes are no UTF-8. */
const text = (hex: string) =>
  new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(hex, 'hex'))
