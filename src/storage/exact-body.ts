import { pipeline, type Readable, Transform } from 'node:stream'

/** What a body that is longer or shorter than it was said to be fails with. */
export const WRONG_LENGTH = 'The body has another length than was said.'

/**
 * A body that fails unless it has just so many bytes; for drivers whose provider counts on the length it was told. Its last piece is held back until the
 * end is known, so that a body that is too long is never taken for a whole one. Whoever destroys it destroys `body`.
 */
export function exactBody(body: Readable, sizeBytes: number): Readable {
  let length = 0
  let held: Buffer | null = null
  const exact = new Transform({
    transform(piece: Buffer, _encoding, done) {
      length += piece.length
      if (length > sizeBytes) return done(new RangeError(WRONG_LENGTH))
      const ready = held
      held = piece
      done(null, ready)
    },
    flush(done) {
      if (length !== sizeBytes) return done(new RangeError(WRONG_LENGTH))
      done(null, held)
    },
  })
  // Failures arrive at whoever reads the body.
  return pipeline(body, exact, () => {})
}
