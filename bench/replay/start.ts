import { type Child, startNode } from '../child.ts'
import type { LayoutName } from './layouts.ts'
import { type ReplayStats, statsPath } from './serve.ts'

/** A replay server running in a process of its own. */
export interface Replay {
  /** Endpoint, for path-style addressing. */
  readonly url: string
  readonly bucket: string
  readonly child: Child
  /** What it has answered since the last call. */
  stats(): Promise<ReplayStats>
  close(): Promise<void>
}

/** Starts a replay server and waits until all its pages are rendered. */
export async function startReplay(options: {
  objects: number
  latencyMs: number
  layout?: LayoutName
}): Promise<Replay> {
  const child = await startNode('replay/main.ts', [
    `--objects=${options.objects}`,
    `--latency=${options.latencyMs}`,
    `--layout=${options.layout ?? 'realistic'}`,
  ])
  const { url, bucket } = child.ready as { url: string; bucket: string }
  return {
    url,
    bucket,
    child,
    stats: async () => (await (await fetch(url + statsPath)).json()) as ReplayStats,
    close: () => child.stop(),
  }
}
