import { createHash } from 'node:crypto'
import { pipeline, type Readable, Transform } from 'node:stream'
import { toRegistryError, untrusted, type Where } from './failures.ts'

/**
 * A blob's bytes as they come, held against its digest and size.
 *
 * The last piece is kept back until all of it is known to be right, so that whoever counts on the length never gets the whole of something else. Of a part
 * only the length can be held against anything.
 */
export function verified(
  source: Readable,
  expected: {
    readonly digest: string
    readonly bodyBytes: number
    readonly isPart: boolean
    readonly where: Where
    readonly signal: AbortSignal | undefined
  },
): Readable {
  const { digest, bodyBytes, isPart, where, signal } = expected
  const [algorithm, hex] = digest.split(':') as [string, string]
  const hash = createHash(algorithm)
  let left = bodyBytes
  let held: Buffer | null = null
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      left -= chunk.length
      if (left < 0) return done(untrusted('a blob is longer than was said', where))
      if (!isPart) hash.update(chunk)
      if (held !== null) this.push(held)
      held = chunk
      done()
    },
    flush(done) {
      if (left > 0) return done(untrusted('a blob is shorter than was said', where))
      if (!isPart && hash.digest('hex') !== hex)
        return done(untrusted('a blob has another digest than was said', where))
      if (held !== null) this.push(held)
      done()
    },
  })
  // Errors of the connection come out of the body as ours.
  const abort = () => meter.destroy(toRegistryError(signal?.reason, where, signal))
  signal?.addEventListener('abort', abort, { once: true })
  pipeline(source, meter, () => signal?.removeEventListener('abort', abort))
  return meter
}
