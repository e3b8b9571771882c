// Proves that pasted connection strings, shared access signatures and names lead to Azure and nowhere else, and that no complaint repeats what was pasted.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isTenantId, parseConnectionString, parseSas } from './credentials.ts'

const accountKey = Buffer.alloc(64, 'canary').toString('base64')
const plain = `DefaultEndpointsProtocol=https;AccountName=account;AccountKey=${accountKey};EndpointSuffix=core.windows.net`

describe('a connection string', () => {
  test('gives account, key and cloud, and nothing else', () => {
    expect(parseConnectionString(plain)).toEqual({ account: 'account', accountKey, suffix: 'core.windows.net' })
    const own = `${plain};BlobEndpoint=https://account.blob.core.windows.net/;QueueEndpoint=http://evil.example`
    expect(parseConnectionString(own)).toEqual({ account: 'account', accountKey, suffix: 'core.windows.net' })
    const china = `AccountName=account;AccountKey=${accountKey};EndpointSuffix=core.chinacloudapi.cn`
    expect(parseConnectionString(china)).toMatchObject({ suffix: 'core.chinacloudapi.cn' })
  })

  test.each([
    ['nothing', ''],
    ['the development storage', 'UseDevelopmentStorage=true'],
    ['a proxy of it', `${plain};DevelopmentStorageProxyUri=http://canary.example`],
    ['another blob endpoint', `${plain};BlobEndpoint=https://canary.example`],
    ['one that looks alike', `${plain};BlobEndpoint=https://account.blob.core.windows.net.canary.example`],
    ['one with a user', `${plain};BlobEndpoint=https://account.blob.core.windows.net@canary.example`],
    ['one over http', `${plain};BlobEndpoint=http://account.blob.core.windows.net`],
    ['a suffix of somebody else', `AccountName=account;AccountKey=${accountKey};EndpointSuffix=canary.example`],
    ['http', plain.replace('=https', '=http')],
    ['an account that is a host', plain.replace('=account;', '=canary.example/;')],
    ['an account with capitals', plain.replace('=account;', '=Account;')],
    ['no account', `AccountKey=${accountKey}`],
    ['no key', 'AccountName=account'],
    ['a key that is none', 'AccountName=account;AccountKey=canary'],
    [
      'a shared access signature',
      'BlobEndpoint=https://account.blob.core.windows.net;SharedAccessSignature=sig=canary',
    ],
    ['two accounts', `${plain};AccountName=canary`],
    ['an unknown field', `${plain};Canary=1`],
    ['a field of every object', `${plain};__proto__=canary`],
    ['a file', '/etc/passwd'],
  ])('with %s is refused', (_, text) => {
    const parsed = parseConnectionString(text)
    expect(parsed).toEqual({ problem: expect.stringMatching(/^[A-Z].*\.$/) })
    expect(JSON.stringify(parsed)).not.toMatch(/canary|passwd/i)
  })

  test('whatever is pasted, the account is a name and the suffix one of Azure’s', () => {
    const field = fc.tuple(
      fc.constantFrom('AccountName', 'AccountKey', 'EndpointSuffix', 'BlobEndpoint', 'DefaultEndpointsProtocol', 'x'),
      fc.oneof(
        fc.constantFrom('account', accountKey, 'core.windows.net', 'https', 'a/b', 'a@b', '169.254.169.254'),
        fc.string(),
      ),
    )
    fc.assert(
      fc.property(fc.array(field), (fields) => {
        const parsed = parseConnectionString(fields.map(([name, value]) => `${name}=${value}`).join(';'))
        if ('problem' in parsed) return
        expect(parsed.account).toMatch(/^[a-z0-9]{3,24}$/)
        expect(parsed.suffix).toMatch(/^core\.(windows\.net|chinacloudapi\.cn|usgovcloudapi\.net)$/)
      }),
    )
  })
})

describe('a shared access signature', () => {
  const sas = 'sv=2022-11-02&ss=b&srt=co&sp=rl&se=2026-12-31T00%3A00%3A00Z&spr=https&sig=a%2Bb%2Fc%3D'

  test('is kept field by field, with or without a question mark', () => {
    for (const pasted of [sas, `?${sas}`]) {
      expect(parseSas(pasted)).toEqual({ query: sas, endsMs: Date.parse('2026-12-31T00:00:00Z') })
    }
  })

  test.each([
    ['an address', `https://account.blob.core.windows.net/?${sas}`],
    ['no signature', 'sv=2022-11-02&sp=rl'],
    ['no version', 'sig=canary'],
    ['a parameter of a request', `${sas}&comp=list`],
    ['one that changes answers', `${sas}&rsct=text/html`],
    ['a field twice', `${sas}&sp=canary`],
    ['a line break in a name', `${sas}&a%0d%0ab=canary`],
  ])('with %s is refused', (_, pasted) => {
    const parsed = parseSas(pasted)
    expect(parsed).toEqual({ problem: expect.any(String) })
    expect(JSON.stringify(parsed)).not.toContain('canary')
  })
})

test('a directory is a GUID or a domain, and bends no address', () => {
  for (const right of ['11111111-1111-1111-1111-111111111111', 'contoso.onmicrosoft.com', 'a-b.example'])
    expect([right, isTenantId(right)]).toEqual([right, true])
  for (const wrong of ['', 't', '..', 'a/b', 'common/../x', 'a.b/c', 'a.b?x', 'a b.c', '%2e.%2e', 'a..b', '.a.b'])
    expect([wrong, isTenantId(wrong)]).toEqual([wrong, false])
})
