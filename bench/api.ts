import { Agent, request } from 'node:http'

/** Where the replay server's bucket is. */
export interface BucketTarget {
  readonly url: string
  readonly bucket: string
}

/** The HTTP API over one kept-alive connection, as lean as a client can be, so that what is measured is the server. */
export class Api {
  readonly #url: URL
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 8 })
  #token = ''

  private constructor(url: string) {
    this.#url = new URL(url)
  }

  /** Logs in with e-mail address and password. */
  static async logIn(url: string, owner: { email: string; password: string }): Promise<Api> {
    const api = new Api(url)
    const body = { type: 'user_credentials', username: owner.email, password: owner.password }
    const answer = await api.#send('POST', '/token?default', body)
    api.#token = (JSON.parse(answer) as { id_token: string }).id_token
    return api
  }

  /** Calls a route below `/api/v1`; throws an error with the server's own message when it refuses. */
  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    return JSON.parse(await this.#send(method, `/api/v1${path}`, body)) as T
  }

  /** The same without reading the JSON: answers the text, for timing. */
  fetchText(method: string, path: string, body?: unknown): Promise<string> {
    return this.#send(method, `/api/v1${path}`, body)
  }

  close(): void {
    this.#agent.destroy()
  }

  #send(method: string, path: string, body: unknown): Promise<string> {
    const text = body === undefined ? undefined : JSON.stringify(body)
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          host: this.#url.hostname,
          port: this.#url.port,
          method,
          path,
          agent: this.#agent,
          headers: {
            ...(this.#token === '' ? {} : { authorization: `Bearer ${this.#token}` }),
            ...(text === undefined
              ? {}
              : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
          },
        },
        (answer) => {
          const parts: Buffer[] = []
          answer.on('data', (part: Buffer) => parts.push(part))
          answer.on('error', reject)
          answer.on('end', () => {
            const received = Buffer.concat(parts).toString()
            const status = answer.statusCode ?? 0
            if (status >= 200 && status < 300) resolve(received)
            else reject(new Error(`${method} ${path} answered ${status}: ${received.slice(0, 500)}`))
          })
        },
      )
      sent.on('error', reject)
      sent.end(text)
    })
  }
}
