import { type Child, startNode } from '../child.ts'
import type { Change } from './bucket.ts'
import type { LayoutName } from './layouts.ts'
import { changePath, type ReplayStats, statsPath } from './serve.ts'

/** A replay server running in a process of its own. */
export interface Replay {
  /** Endpoint, for path-style addressing. */
  readonly url: string
  readonly bucket: string
  readonly child: Child
  /** What it has answered since the last call. */
  stats(): Promise<ReplayStats>
  /** Leads the bucket to its next generation and waits until that is rendered; only where `isChanging` was asked for. */
  change(change: Change): Promise<void>
  close(): Promise<void>
}

/** Starts a replay server and waits until all its pages are rendered. */
export async function startReplay(options: {
  objects: number
  latencyMs: number
  layout?: LayoutName
  /** Whether the bucket is to change later on. */
  isChanging?: boolean
}): Promise<Replay> {
  const child = await startNode('replay/main.ts', [
    `--objects=${options.objects}`,
    `--latency=${options.latencyMs}`,
    `--layout=${options.layout ?? 'realistic'}`,
    ...(options.isChanging ? ['--changing'] : []),
  ])
  const { url, bucket } = child.ready as { url: string; bucket: string }
  return {
    url,
    bucket,
    child,
    stats: async () => (await (await fetch(url + statsPath)).json()) as ReplayStats,
    change: async (change) => {
      const answer = await fetch(url + changePath, { method: 'POST', body: JSON.stringify(change) })
      if (!answer.ok) throw new Error(`the replay server does not change: ${answer.status}`)
      await answer.body?.cancel()
    },
    close: () => child.stop(),
  }
}
