import { Readable } from 'node:stream'
import { BODY_BYTES_MAX, ERROR_BODY_BYTES_MAX } from '../http/exchange.ts'
import { limitedBody } from '../http/limited-body.ts'

/** As much of a client of the AWS SDK as is needed; those of S3 and STS have it. */
interface SdkClient {
  readonly middlewareStack: {
    // biome-ignore lint/suspicious/noExplicitAny: each client has types of its own for what passes here, and none that they share.
    add(middleware: any, options: any): void
  }
}

type Next = (args: unknown) => Promise<{ readonly response: unknown }>

/**
 * Keeps a client of the AWS SDK from reading endless answers into memory: it reads every answer whole but that of an object it was asked for.
 *
 * An error's body may have 64 KiB, any other 16 MiB, and each two minutes. The SDK has no such limits.
 */
export function limitAnswers(client: SdkClient): void {
  const middleware = (next: Next, context: { readonly commandName?: string }) => async (args: unknown) => {
    const result = await next(args)
    const response = result.response as { statusCode?: number; body?: unknown }
    const isFailure = (response.statusCode ?? 0) >= 300
    if (response.body instanceof Readable && (isFailure || context.commandName !== 'GetObjectCommand'))
      response.body = limitedBody(response.body, isFailure ? ERROR_BODY_BYTES_MAX : BODY_BYTES_MAX)
    return result
  }
  client.middlewareStack.add(middleware, { step: 'deserialize', name: 'limitAnswers', priority: 'low' })
}
