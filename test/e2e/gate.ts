// A gate before a storage, through which a test lets requests pass, keeps them waiting or turns them away.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a gate does with requests: lets them pass, keeps those that list waiting, or ends their connections. */
export type GateState = 'open' | 'held' | 'shut'

/** A running gate. */
export interface Gate {
  /** What a storage driver names instead of the storage's own endpoint. */
  readonly endpoint: string
  /** Those that were kept waiting pass as soon as it is open. */
  set(state: GateState): void
  close(): Promise<void>
}

/** Opens a gate on a free port before an endpoint. The host of requests stays as it came, because it is signed. */
export async function openGate(endpoint: string): Promise<Gate> {
  const { hostname, port } = new URL(endpoint)
  let state: GateState = 'open'
  const waiting: (() => void)[] = []
  const pass = (request: IncomingMessage, response: ServerResponse) => {
    const { method, url: path, headers } = request
    const onwards = send({ hostname, port, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(response)
    })
    onwards.on('error', () => response.destroy())
    response.on('close', () => onwards.destroy())
    request.pipe(onwards)
  }
  const isListing = ({ method, url }: IncomingMessage) => method === 'GET' && /[?&]list-type=/.test(url ?? '')
  const server = createServer((request, response) => {
    if (state === 'shut') request.socket.destroy()
    else if (state === 'held' && isListing(request)) waiting.push(() => pass(request, response))
    else pass(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    set(next) {
      state = next
      if (next === 'open') for (const go of waiting.splice(0)) go()
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
