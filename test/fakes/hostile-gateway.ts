import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { give, type ScriptedAnswer } from './s3-faults.ts'

/** A request for a listing, as it came through the gateway. */
export interface ListingRequest {
  readonly prefix: string
  readonly after: string
  readonly entriesMax: number
  /** Asked with a delimiter. */
  readonly isFolded: boolean
}

/** Gives the answer to send instead of the right one, or null where the right one is to go through. */
export type Spoiler = (asked: ListingRequest, right: string) => ScriptedAnswer | null

/** A gateway in front of a bucket. */
export interface HostileGateway {
  readonly endpoint: string
  /** Spoils listings from here on; null: all is well again. */
  spoil(spoiler: Spoiler | null): void
  stop(): Promise<void>
}

/**
 * Starts a gateway that passes everything on to a real bucket, and of its answers to listings spoils those it is told to: so that a whole sync meets one wrong
 * page among right ones. Signatures hold, because the host a request names is passed on as well.
 */
export async function startHostileGateway(target: string): Promise<HostileGateway> {
  let spoiler: Spoiler | null = null
  const { hostname, port } = new URL(target)
  const agent = new Agent({ keepAlive: true, maxSockets: 16 })
  const ask = async (request: IncomingMessage) => {
    const { method, url, headers } = request
    const upstream = send({ hostname, port, path: url, method, headers, agent, setHost: false })
    request.pipe(upstream)
    const [answer] = (await once(upstream, 'response')) as [IncomingMessage]
    return { answer, body: await buffer(answer) }
  }
  const answerTo = async (request: IncomingMessage, response: ServerResponse) => {
    const { answer, body } = await ask(request)
    const asked = listingOf(request)
    const spoiled = asked !== null && answer.statusCode === 200 ? spoiler?.(asked, body.toString('utf8')) : null
    if (spoiled) await give(spoiled, response)
    else response.writeHead(answer.statusCode!, answer.headers).end(body)
  }
  const server = createServer((request, response) => {
    answerTo(request, response).catch((error) => {
      response.destroy()
      // A bucket that is stopping is no mistake; one of the test's own is, and must not pass for a closed connection.
      if (error instanceof TypeError || error instanceof RangeError) throw error
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spoil(given) {
      spoiler = given
    },
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
      agent.destroy()
    },
  }
}

function listingOf({ method, url }: IncomingMessage): ListingRequest | null {
  const query = new URL(url ?? '', 'http://gateway').searchParams
  if (method !== 'GET' || query.get('list-type') !== '2') return null
  return {
    prefix: query.get('prefix') ?? '',
    after: query.get('start-after') ?? '',
    entriesMax: Number(query.get('max-keys') ?? 1000),
    isFolded: query.has('delimiter'),
  }
}
