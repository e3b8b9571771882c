// The thread of the background work beside the server; see `startWorkThread`.
import { parentPort, workerData } from 'node:worker_threads'
import { readConfig } from '#config/config.ts'
import { watchForeground } from '#lib/foreground.ts'
import { createLog } from './log.ts'
import { startWork, type WorkThreadData, yieldToOthers } from './work.ts'

const { databaseUrl, port, egress, dataDir, logFd, logLevel, foreground } = workerData as WorkThreadData
yieldToOthers()
const config = { ...readConfig(), port, egress, dataDir, logLevel }
// Told to stop while it still starts, it stops as soon as it has started.
const told = new Promise<void>((done) => parentPort?.once('message', () => done()))
const work = await startWork(config, databaseUrl, createLog(config.logLevel, logFd), watchForeground(foreground))
await told
await work.stop()
process.exit(0)
