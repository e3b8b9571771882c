import { type IncomingHttpHeaders, request as plainRequest } from 'node:http'
import { request as secureRequest } from 'node:https'
import type { Egress } from '../egress.ts'
import type { SignedRequest } from '../port.ts'

/** The file that is fetched is the check's own, of some hundred bytes; nobody has to be read longer to be told from it. */
const BODY_BYTES_MAX = 64 * 1024

/** An answer as it came. */
export interface FetchedAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/**
 * Fetches a signed address as a browser would, for the check of a driver: through the egress, without redirects, decompression or more than 64 KiB.
 *
 * Answers null where nothing answers, or where this server does not connect to. `signal` ends it, and should come with a time limit. `method`: GET unless
 * said; whatever the address is signed for, a browser asks with OPTIONS before.
 */
export async function fetchSigned(
  signed: SignedRequest,
  egress: Egress,
  signal: AbortSignal,
  method: 'GET' | 'HEAD' | 'OPTIONS' = 'GET',
): Promise<FetchedAnswer | null> {
  const url = new URL(signed.url)
  const isSecure = url.protocol === 'https:'
  const agents = egress.agents({ keepAlive: false })
  const agent = isSecure ? agents.https : agents.http
  try {
    return await new Promise((resolve, reject) => {
      const headers = { ...signed.headers, 'accept-encoding': 'identity' }
      const request = (isSecure ? secureRequest : plainRequest)(url, { method, agent, headers, signal }, (answer) => {
        const chunks: Buffer[] = []
        let length = 0
        answer.on('data', (chunk: Buffer) => {
          length += chunk.length
          if (length > BODY_BYTES_MAX) answer.destroy(new Error('longer than the file that was asked for'))
          else chunks.push(chunk)
        })
        answer.on('end', () => {
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) })
        })
        answer.on('error', reject)
      })
      request.on('error', reject)
      request.end()
    })
  } catch {
    return null
  } finally {
    agent.destroy()
  }
}
