import { type Readable, Transform } from 'node:stream'
import { BadAnswer } from './failures.ts'

/** Longest that an answer without an object in it may take from its first byte to its last; a drop now and then keeps every shorter limit waiting. */
export const ANSWER_MS = 120_000

/**
 * An answer's body that fails when it is longer or takes longer than any can: for answers that a provider's SDK reads whole into memory, errors above all.
 * Nothing of the body is in the error.
 */
export function limitedBody(body: Readable, bytesMax: number, answerMs = ANSWER_MS): Readable {
  let length = 0
  const limited = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      length += chunk.length
      done(length > bytesMax ? new BadAnswer('The storage’s answer is longer than any can be.') : null, chunk)
    },
  })
  const timer = setTimeout(() => {
    limited.destroy(new BadAnswer('The storage’s answer takes longer than any can.'))
  }, answerMs)
  timer.unref()
  body.on('error', (error) => limited.destroy(error))
  // An answer that was cut ends without an end.
  body.on('close', () => {
    if (!body.readableEnded) limited.destroy(Object.assign(new Error('the answer was cut'), { code: 'ECONNRESET' }))
  })
  limited.on('close', () => {
    clearTimeout(timer)
    body.destroy()
  })
  return body.pipe(limited)
}
