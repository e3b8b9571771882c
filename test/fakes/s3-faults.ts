import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One answer to give; the last of the script is given again and again. */
export interface ScriptedAnswer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
  /** Close the connection after so many bytes of the body, though more were announced. */
  readonly resetAfterBytes?: number
  /** Close the connection instead of answering. */
  readonly isReset?: boolean
  /** Give the body in so many pieces, a moment apart. */
  readonly pieces?: number
  /** Announce this length instead of the body's own; null: announce none and send the body in chunks. */
  readonly announcedBytes?: number | null
  /** Answer only when this is settled. */
  readonly after?: Promise<unknown>
}

/** A request as it came. */
export interface SeenRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
}

/** A storage that answers as it is told. */
export interface FaultyS3 {
  readonly endpoint: string
  readonly seen: readonly SeenRequest[]
  /** Answers from here on. */
  script(...answers: readonly ScriptedAnswer[]): void
  stop(): Promise<void>
}

/** Starts an HTTP server on loopback that gives scripted answers to whatever it is asked: what no real storage does on demand. */
export async function startFaultyS3(): Promise<FaultyS3> {
  let answers: ScriptedAnswer[] = [{}]
  const seen: SeenRequest[] = []
  const server = createServer((request, response) => {
    seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers })
    request.resume()
    const answer = answers.length > 1 ? answers.shift()! : answers[0]!
    void Promise.resolve(answer.after).then(() => give(answer, response))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    script(...given) {
      answers = [...given]
    },
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Gives an answer as it is told; for other fakes that answer in the same words. */
export async function give(answer: ScriptedAnswer, response: ServerResponse): Promise<void> {
  const { status = 200, headers = {}, body = '', resetAfterBytes, pieces = 1, announcedBytes } = answer
  if (answer.isReset === true) {
    response.destroy()
    return
  }
  const bytes = Buffer.from(body)
  const length = announcedBytes === null ? {} : { 'content-length': String(announcedBytes ?? bytes.length) }
  response.writeHead(status, { 'content-type': 'application/xml', ...length, ...headers })
  const end = resetAfterBytes ?? bytes.length
  for (let piece = 1; piece < pieces; piece++) {
    response.write(bytes.subarray(Math.floor((end * (piece - 1)) / pieces), Math.floor((end * piece) / pieces)))
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  const rest = bytes.subarray(Math.floor((end * (pieces - 1)) / pieces), end)
  if (resetAfterBytes === undefined) response.end(rest)
  else response.write(rest, () => response.destroy())
}
