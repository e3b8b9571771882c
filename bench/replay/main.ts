// The replay server as a process of its own: prints one JSON line when it is ready and ends with the process that started it.
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import { layoutOf } from '../options.ts'
import { Bucket } from './bucket.ts'
import { makeLayout } from './layouts.ts'
import { makeReplayServer } from './serve.ts'

const { values } = parseArgs({
  options: {
    objects: { type: 'string', default: '1000000' },
    layout: { type: 'string', default: 'realistic' },
    latency: { type: 'string', default: '0' },
    port: { type: 'string', default: '0' },
    bucket: { type: 'string', default: 'bench' },
    changing: { type: 'boolean', default: false },
    'memory-mb': { type: 'string', default: '6000' },
  },
})

const server = makeReplayServer({
  bucket: new Bucket(makeLayout(layoutOf(values.layout), Number(values.objects)), values.changing),
  name: values.bucket,
  latencyMs: Number(values.latency),
  keptBytesMax: Number(values['memory-mb']) * 1_000_000,
})
server.listen(Number(values.port), '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  process.stdout.write(`${JSON.stringify({ ready: true, url: `http://127.0.0.1:${port}`, bucket: values.bucket })}\n`)
})
// Standard input is a pipe from the benchmark; when that ends, so does this, however the benchmark ended.
process.stdin.resume().on('end', () => process.exit(0))
