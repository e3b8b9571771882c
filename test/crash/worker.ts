// The background work of the product in a process that may be killed: what `sluice work` does, without its command line.
import { readConfig } from '#config/config.ts'
import { createLog } from '../../src/log.ts'
import { startWork } from '../../src/work.ts'

const config = readConfig()
const work = await startWork(config, config.databaseUrl!, createLog(config.logLevel, 2))
const stop = () => void work.stop().then(() => process.exit(0))
process.once('SIGTERM', stop)
// The test run is gone: nothing may be left behind.
process.once('disconnect', () => process.exit(1))
