import { createHmac, type KeyObject } from 'node:crypto'
import { systemClock, toHttpDate } from '#lib/clock.ts'
import { failureOf } from '../http/failures.ts'
import { type AccountAddress, encodeText } from './address.ts'
import { type AzureCredentials, parseSas } from './credentials.ts'
import { SIGNED_VERSION, signingKeyOf } from './sas.ts'
import type { TokenSource } from './tokens.ts'

/** One GET, by its encoded path and its parameters, in the order of their names. */
export interface Question {
  readonly path: string
  readonly parameters: readonly (readonly [name: string, value: string])[]
}

/** A GET ready to be sent; target and headers may hold secrets. */
export interface Authorized {
  readonly target: string
  /** The target without secrets, where it has any. */
  readonly told?: string
  readonly headers: Record<string, string>
}

/**
 * Puts credentials to listing requests. For `azure.ts`; requests on single blobs get theirs from the official SDK.
 * https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
 */
export interface Authorizer {
  /** Throws `expired-credentials` where it is known that they have ended, and what getting a token throws. */
  authorize(question: Question): Authorized | Promise<Authorized>
}

/** The authorizer of these credentials; `tokens` is what those who log in are known by. */
export function authorizerOf(
  address: AccountAddress,
  credentials: AzureCredentials,
  tokens: TokenSource | undefined,
): Authorizer {
  switch (credentials.kind) {
    case 'account-key': {
      const key = signingKeyOf(credentials.accountKey.reveal())
      return { authorize: (question) => withSharedKey(address, key, question) }
    }
    case 'sas':
      return {
        authorize(question) {
          const query = sasInForce(credentials.sas.reveal(), 'list')
          const told = targetOf(question)
          return { target: `${told}&${query}`, told, headers: commonHeaders() }
        },
      }
    case 'token':
      return {
        async authorize(question) {
          const { token } = await tokens!.token()
          return {
            target: targetOf(question),
            headers: { ...commonHeaders(), authorization: `Bearer ${token.reveal()}` },
          }
        },
      }
  }
}

/** The query of a shared access signature; throws `expired-credentials` when it has ended, since not every storage says so. */
export function sasInForce(sas: string, op: string): string {
  const parsed = parseSas(sas)
  if ('problem' in parsed) throw failureOf('bad-credentials', { provider: 'azure', op })
  if (parsed.endsMs !== undefined && parsed.endsMs <= systemClock.now()) {
    throw failureOf('expired-credentials', { provider: 'azure', op })
  }
  return parsed.query
}

function commonHeaders(): Record<string, string> {
  return { 'x-ms-date': toHttpDate(systemClock.now()), 'x-ms-version': SIGNED_VERSION }
}

function targetOf({ path, parameters }: Question): string {
  let target = `${path}?`
  for (const [name, value] of parameters) target += `${target.endsWith('?') ? '' : '&'}${name}=${encodeText(value)}`
  return target
}

function withSharedKey(address: AccountAddress, key: KeyObject, question: Question): Authorized {
  const headers = commonHeaders()
  // Verb and eleven headers that a GET of ours does not have, then those of Azure's own, then what is asked for, decoded.
  let text = `GET${'\n'.repeat(12)}x-ms-date:${headers['x-ms-date']}\nx-ms-version:${SIGNED_VERSION}\n`
  text += `/${address.account}${question.path}`
  for (const [name, value] of question.parameters) text += `\n${name}:${value}`
  const signature = createHmac('sha256', key).update(text, 'utf8').digest('base64')
  headers.authorization = `SharedKey ${address.account}:${signature}`
  return { target: targetOf(question), headers }
}
