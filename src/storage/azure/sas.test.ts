// Proves that addresses signed by hand are the official SDK's, byte for byte in what is signed: by the account's key and by a key of a log-in.
import {
  BlobSASPermissions,
  generateBlobSASQueryParameters,
  SASProtocol,
  StorageSharedKeyCredential,
  type UserDelegationKey,
} from '@azure/storage-blob'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { accountAddress } from './address.ts'
import { azureUnaddressable } from './names.ts'
import { SIGNED_VERSION, sasTime, signedBlobUrl, signingKeyOf } from './sas.ts'

const account = 'account'
const secret = Buffer.alloc(64, 7).toString('base64')
const container = 'photos'
const startsOn = new Date('2026-01-31T10:00:00Z')
const endsOn = new Date('2026-02-01T10:00:00Z')

const delegated: UserDelegationKey = {
  signedObjectId: '00000000-0000-0000-0000-00000000000f',
  signedTenantId: '11111111-1111-1111-1111-111111111111',
  signedStartsOn: startsOn,
  signedExpiresOn: endsOn,
  signedService: 'b',
  signedVersion: '2022-11-02',
  value: secret,
}

const key = fc.oneof(
  fc.constantFrom('a b.txt', "it's (1)*!~.png", 'é😀/～', 'a%2Fb+c&d=e?f#g', `${'x/'.repeat(200)}y`),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }).filter((text) => azureUnaddressable(text) === null),
)
const question = fc.record({
  key,
  expiresAtMs: fc.integer({ min: 1_700_000_000, max: 1_900_000_000 }).map((seconds) => seconds * 1000),
  contentType: fc.option(fc.constantFrom('image/png', 'text/plain; charset=utf-8'), { nil: undefined }),
  contentDisposition: fc.option(fc.constantFrom(`attachment; filename="a b.png"; filename*=UTF-8''%C3%A9`), {
    nil: undefined,
  }),
  isSecure: fc.boolean(),
})

type Question = typeof question extends fc.Arbitrary<infer T> ? T : never

function official(asked: Question, credential: StorageSharedKeyCredential | UserDelegationKey): Map<string, string> {
  const values = {
    containerName: container,
    blobName: asked.key,
    permissions: BlobSASPermissions.parse('r'),
    expiresOn: new Date(asked.expiresAtMs),
    protocol: asked.isSecure ? SASProtocol.Https : SASProtocol.HttpsAndHttp,
    version: SIGNED_VERSION,
    ...(asked.contentType === undefined ? {} : { contentType: asked.contentType }),
    ...(asked.contentDisposition === undefined ? {} : { contentDisposition: asked.contentDisposition }),
  }
  const signed =
    credential instanceof StorageSharedKeyCredential
      ? generateBlobSASQueryParameters(values, credential)
      : generateBlobSASQueryParameters(values, credential, account)
  return new Map(new URLSearchParams(signed.toString()))
}

function ours(asked: Question, sasKey: Parameters<typeof signedBlobUrl>[1]): URL {
  const scheme = asked.isSecure ? 'https' : 'http'
  const address = accountAddress(account, `${scheme}://${account}.blob.core.windows.net`)
  return new URL(signedBlobUrl({ address, container, ...asked }, sasKey))
}

describe('an address signed by hand', () => {
  test('by the account’s key', () => {
    const credential = new StorageSharedKeyCredential(account, secret)
    fc.assert(
      fc.property(question, (asked) => {
        const url = ours(asked, { accountKey: signingKeyOf(secret) })
        expect(new Map(url.searchParams)).toEqual(official(asked, credential))
        // Nothing of the name is lost on the way into the path.
        expect(decodeURIComponent(url.pathname)).toBe(`/${container}/${asked.key}`)
      }),
    )
  })

  test('by a key of a log-in', () => {
    const delegation = {
      objectId: delegated.signedObjectId,
      tenantId: delegated.signedTenantId,
      startsOn: sasTime(startsOn.getTime()),
      endsOn: sasTime(endsOn.getTime()),
      service: 'b',
      version: delegated.signedVersion,
      key: signingKeyOf(secret),
    }
    fc.assert(
      fc.property(question, (asked) => {
        expect(new Map(ours(asked, { delegation }).searchParams)).toEqual(official(asked, delegated))
      }),
    )
  })
})
