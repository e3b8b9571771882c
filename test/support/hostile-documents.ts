// Credential documents that try to lead the server elsewhere, to run or read something, or to be two things at once (T17 of the safety design).
import { generateKeyPairSync } from 'node:crypto'

/** One document, as the options of an integration of a kind. `isRefused`: it must not even be taken; others may be kept, and must have no effect. */
export interface HostileDocument {
  readonly name: string
  readonly type: string
  readonly options: Readonly<Record<string, unknown>>
  readonly isRefused: boolean
}

/** Stands in every document, and must never be seen again. */
export const MARKER = 'HOSTILE-MARKER-7731'
/** Host of an attacker, whom no document may make the server look for. */
export const ATTACKER = 'attacker.test'

const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
})
const evil = `https://${ATTACKER}/${MARKER}`

const account = {
  type: 'service_account',
  project_id: MARKER.toLowerCase(),
  private_key_id: MARKER,
  private_key: privateKey,
  client_email: 'robot@project.iam.gserviceaccount.com',
  client_id: '1',
}
const audience = '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/provider'
const external = {
  type: 'external_account',
  audience,
  subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
  token_url: evil,
  credential_source: { url: evil },
}

/** Sources of an external account: an address, a file, a program, AWS's metadata, each by the names Google's libraries know. */
function sources(canaryUrl: string, file: string, program: string): readonly unknown[] {
  return [
    { url: `${canaryUrl}/${MARKER}` },
    { url: evil, headers: { 'Metadata-Flavor': 'Google' }, format: { type: 'json', subject_token_field_name: 'x' } },
    { file },
    { file: '/proc/self/environ' },
    { executable: { command: program, timeout_millis: 5000 } },
    { executable: { command: `/bin/sh -c "touch ${file}-run"`, output_file: file } },
    {
      environment_id: 'aws1',
      region_url: `${canaryUrl}/region`,
      url: `${canaryUrl}/credentials`,
      regional_cred_verification_url: evil,
    },
    { certificate: { certificate_config_location: file } },
    { subject_token_supplier: MARKER },
  ]
}

const gcs = (name: string, content: string, isRefused: boolean): HostileDocument => ({
  name: `gcs: ${name}`,
  type: 'gcs',
  options: { content },
  isRefused,
})

function googleKeys(canaryUrl: string, file: string, program: string): HostileDocument[] {
  const text = JSON.stringify(account)
  const otherTypes = [
    'external_account',
    'external_account_authorized_user',
    'authorized_user',
    'impersonated_service_account',
    'gdch_service_account',
    'Service_Account',
    'service_account ',
    'service\u200b_account',
    'ѕervice_account',
    '',
    null,
    7,
    ['service_account'],
    { toString: 'service_account' },
    true,
  ]
  const leading = [
    'token_uri',
    'auth_uri',
    'auth_provider_x509_cert_url',
    'client_x509_cert_url',
    'token_url',
    'token_info_url',
    'service_account_impersonation_url',
  ]
  const notDocuments = [
    '',
    ' ',
    'null',
    '[]',
    '7',
    '"text"',
    '{',
    '}',
    '{"a":}',
    `{'type':'service_account'}`,
    '\ufeff{}',
    '{}',
  ]
  return [
    ...otherTypes.map((type) => gcs(`type ${JSON.stringify(type)}`, JSON.stringify({ ...account, type }), true)),
    ...sources(canaryUrl, file, program).flatMap((credential_source, index) => [
      gcs(`external account by source ${index}`, JSON.stringify({ ...external, credential_source }), true),
      gcs(`key with source ${index}`, JSON.stringify({ ...account, credential_source }), false),
    ]),
    ...leading.flatMap((field) => [
      gcs(`${field} of an attacker`, JSON.stringify({ ...account, [field]: evil }), false),
      gcs(`${field} of a machine inside`, JSON.stringify({ ...account, [field]: `${canaryUrl}/${MARKER}` }), false),
    ]),
    gcs('universe of an attacker', JSON.stringify({ ...account, universe_domain: ATTACKER }), false),
    gcs(
      'quota project and delegates',
      JSON.stringify({ ...account, quota_project_id: evil, delegates: [evil] }),
      false,
    ),
    ...notDocuments.map((content) => gcs(`no document ${JSON.stringify(content)}`, `${content}`, true)),
    gcs('a type that stands twice', text.replace('{', `{"type":"external_account",`), true),
    gcs('a type that stands twice, the other way', text.replace(/\}$/, `,"type":"external_account"}`), true),
    gcs('a name twice, once escaped', text.replace('{', `{"t\\u0079pe":"service_account",`), true),
    gcs('a name twice, far inside', text.replace('{', `{"x":[{"y":1,"y":2}],`), true),
    gcs('__proto__', text.replace('{', `{"__proto__":{"type":"external_account"},`), true),
    gcs('__proto__, escaped', text.replace('{', `{"\\u005f_proto__":{},`), true),
    gcs('__proto__, inside', text.replace('{', `{"x":{"__proto__":{}},`), true),
    gcs('constructor and prototype', text.replace('{', `{"constructor":{"prototype":{"x":1}},`), false),
    gcs('NUL in a text', JSON.stringify({ ...account, client_email: `robot\0@${ATTACKER}` }), true),
    gcs('NUL around it', `\0${text}`, true),
    gcs('depth', text.replace('{', `{"x":${'['.repeat(30_000)}${']'.repeat(30_000)},`), true),
    gcs('size', JSON.stringify({ ...account, x: MARKER.repeat(4000) }), true),
    gcs(
      'ten thousand names',
      JSON.stringify(Object.fromEntries(Array.from({ length: 4000 }, (_, n) => [`n${n}`, 1]))),
      true,
    ),
    ...[`file://${file}`, `@${file}`, `$(cat ${file})`, '-----BEGIN PRIVATE KEY-----', 'A'.repeat(5000)].map(
      (private_key) =>
        gcs(`a private key that is ${private_key.slice(0, 8)}`, JSON.stringify({ ...account, private_key }), false),
    ),
    ...[
      `a@b/../../${ATTACKER}`,
      `a@${ATTACKER}?x=`,
      `a@${ATTACKER}#`,
      `x:y@${ATTACKER}`,
      ` a@${ATTACKER}`,
      `${evil}@x.y`,
    ].map((client_email) => gcs(`an e-mail ${client_email}`, JSON.stringify({ ...account, client_email }), false)),
  ]
}

function federations(canaryUrl: string, file: string, program: string): HostileDocument[] {
  const of = (name: string, document: unknown, isRefused = false): HostileDocument => ({
    name: `federation: ${name}`,
    type: 'gcp-workload-identity-federation',
    options: {
      secret: MARKER,
      clientId: 'c',
      content: typeof document === 'string' ? document : JSON.stringify(document),
    },
    isRefused,
  })
  return [
    ...sources(canaryUrl, file, program).map((credential_source, index) =>
      of(`source ${index}`, { ...external, credential_source }),
    ),
    of('token address inside', { ...external, token_url: `${canaryUrl}/token` }),
    of('account address of an attacker', {
      ...external,
      service_account_impersonation_url: `${evil}:generateAccessToken`,
    }),
    of('account address that bends', {
      ...external,
      service_account_impersonation_url: `https://iamcredentials.googleapis.com@${ATTACKER}/v1/projects/-/serviceAccounts/a@b.c:generateAccessToken`,
    }),
    of('audience of an attacker', { ...external, audience: evil }),
    of('a key instead', account, true),
    of('twice', JSON.stringify(external).replace('{', `{"credential_source":{"file":"${file}"},`), true),
    of('no document', `${MARKER}`, true),
  ]
}

function azures(canaryUrl: string): HostileDocument[] {
  const key = Buffer.alloc(64, MARKER).toString('base64')
  const string = (name: string, connectionString: string): HostileDocument => ({
    name: `azure: ${name}`,
    type: 'azure-connection-string',
    options: { connectionString },
    isRefused: true,
  })
  const good = `AccountName=account;AccountKey=${key}`
  const sas = (secret: string): HostileDocument => ({
    name: `azure: SAS ${secret.slice(0, 30)}`,
    type: 'azure-sas',
    options: { key: 'account', secret },
    isRefused: true,
  })
  const login = (more: Record<string, unknown>): HostileDocument => ({
    name: `azure: log-in ${JSON.stringify(more)}`,
    type: 'azureblob',
    options: { key: 'account', secret: MARKER, clientId: 'c', tenantId: 't', ...more },
    isRefused: true,
  })
  return [
    string('development storage', 'UseDevelopmentStorage=true'),
    string('development storage with more', `${good};UseDevelopmentStorage=true`),
    string('development proxy', `UseDevelopmentStorage=true;DevelopmentStorageProxyUri=${canaryUrl}`),
    ...[
      evil,
      canaryUrl,
      'http://169.254.169.254/',
      `https://account.blob.core.windows.net@${ATTACKER}`,
      `https://account.blob.core.windows.net.${ATTACKER}`,
      'file:///etc/passwd',
    ].map((endpoint) => string(`blob endpoint ${endpoint}`, `${good};BlobEndpoint=${endpoint}`)),
    ...[ATTACKER, `core.windows.net.${ATTACKER}`, `core.windows.net/@${ATTACKER}`, '127.0.0.1', ''].map((suffix) =>
      string(`suffix ${suffix}`, `${good};EndpointSuffix=${suffix || `#${ATTACKER}`}`),
    ),
    ...[`account.${ATTACKER}#`, `${ATTACKER}/`, 'a@b', '../..', 'ACCOUNT', 'ac%63ount', 'a', ''].map((name) =>
      string(`account ${name}`, `AccountName=${name};AccountKey=${key}`),
    ),
    string('http', `DefaultEndpointsProtocol=http;${good}`),
    string('twice', `${good};AccountName=other`),
    string('unknown field', `${good};Proxy=${evil}`),
    string('NUL', `${good}\0;BlobEndpoint=${evil}`),
    string('line break', `${good}\r\nHost: ${ATTACKER}`),
    string('no key', 'AccountName=account'),
    string('key that is a file', 'AccountName=account;AccountKey=@/etc/passwd'),
    ...[
      evil,
      `${evil}?sv=1&sig=2`,
      `sv=1&sig=2&url=${evil}`,
      'sv=1&sv=2&sig=3',
      'sig=1',
      `sv=1&sig=2&sig=${MARKER}`,
      '',
    ].map(sas),
    login({ tenantId: `../${ATTACKER}` }),
    login({ tenantId: `t/../../${ATTACKER}` }),
    login({ tenantId: `t@${ATTACKER}` }),
    login({ tenantId: 't?x=' }),
    login({ key: `account.${ATTACKER}#` }),
    login({ key: `x@${ATTACKER}` }),
    login({ authority: evil }),
    login({ authorityHost: evil }),
  ]
}

function awss(canaryUrl: string, file: string): HostileDocument[] {
  const of = (name: string, options: Record<string, unknown>, isRefused = true, type = 's3'): HostileDocument => ({
    name: `aws: ${name}`,
    type,
    options,
    isRefused,
  })
  const profiles = [
    `[default]\ncredential_process = touch ${file}-run`,
    `[default]\nweb_identity_token_file = ${file}\nrole_arn = arn:aws:iam::123456789012:role/x`,
    `[profile x]\nsource_profile = default\ncredential_source = Ec2InstanceMetadata`,
    `[default]\nsso_start_url = ${evil}`,
    `[default]\nendpoint_url = ${canaryUrl}`,
  ]
  const arn = 'arn:aws:iam::123456789012:role/reader'
  return [
    ...profiles.flatMap((profile, index) => [
      of(`profile ${index} as key`, { key: profile, secret: MARKER }),
      of(`profile ${index} as secret`, { key: 'k', secret: `${MARKER}\n${profile}` }),
    ]),
    of('empty key and secret', { key: '', secret: '' }),
    of('null key and secret', { key: null, secret: null }),
    of('no options', {}),
    of('empty secret', { key: 'k', secret: '' }),
    of('blank secret', { key: 'k', secret: ' ' }),
    of('objects', { key: { file }, secret: { file } }),
    of('lists', { key: ['k'], secret: ['s'] }),
    of('a program beside', { key: 'k', secret: MARKER, credential_process: `touch ${file}-run` }),
    of('a profile beside', { key: 'k', secret: MARKER, profile: 'default' }),
    of('an endpoint beside', { key: 'k', secret: MARKER, endpoint: canaryUrl }),
    of('line break in the key', { key: `k\r\nHost: ${ATTACKER}`, secret: MARKER }),
    of('a file as secret', { key: 'k', secret: `file://${file}` }, false),
    ...[
      `arn:aws:iam::123456789012:role/x\nHost: ${ATTACKER}`,
      evil,
      'arn:aws:iam::1:role/x',
      'arn:aws:sts::123456789012:assumed-role/x',
      `${arn},${evil}`,
    ].map((roleArns) => of(`role ${roleArns}`, { key: 'k', secret: MARKER, roleArns }, true, 'aws-sts')),
    of('role with empty keys', { key: '', secret: '', roleArns: arn }, true, 'aws-sts'),
  ]
}

function registries(canaryUrl: string): HostileDocument[] {
  const auth = Buffer.from(`u:${MARKER}`).toString('base64')
  const user = { username: 'u', password: MARKER, auth }
  const base64 = (document: unknown) =>
    Buffer.from(typeof document === 'string' ? document : JSON.stringify(document)).toString('base64')
  const of = (name: string, document: unknown, isRefused = true): HostileDocument => ({
    name: `registry: ${name}`,
    type: 'private-registry',
    options: { name: '_json_key', spec: { password: base64(document) } },
    isRefused,
  })
  const servers = [
    '',
    ' ',
    'https://user:word@registry.test',
    'file:///etc/passwd',
    'unix:///var/run/docker.sock',
    'a b',
    'x\nHost: y',
    `http://${ATTACKER}/\r\n`,
    '[::1',
    'a/../b',
  ]
  return [
    ...servers.map((server) => of(`server ${JSON.stringify(server)}`, { auths: { [server]: user } })),
    of('server inside', { auths: { [new URL(canaryUrl).host]: user } }, false),
    of('server that is the metadata service', { auths: { '169.254.169.254': user } }, false),
    of('helpers', { auths: {}, credHelpers: { 'gcr.io': 'evil' }, credsStore: 'evil' }),
    of('token', { auths: { 'docker.io': { ...user, identitytoken: MARKER } } }),
    of('headers', { auths: { 'docker.io': { ...user, HttpHeaders: { Host: ATTACKER } } } }),
    of('other auth', { auths: { 'docker.io': { ...user, auth: Buffer.from('x:y').toString('base64') } } }),
    of('colon in the user', {
      auths: {
        'docker.io': { username: 'u:x', password: MARKER, auth: Buffer.from(`u:x:${MARKER}`).toString('base64') },
      },
    }),
    of('list', { auths: [user] }, true),
    of('no document', MARKER),
    of('twice', `{"auths":{"docker.io":${JSON.stringify(user)},"docker.io":${JSON.stringify(user)}}}`),
    of('__proto__', `{"auths":{"__proto__":${JSON.stringify(user)}}}`),
    of('depth', `{"auths":${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}}`),
    {
      name: 'registry: password that is no base64',
      type: 'private-registry',
      options: { name: '_json_key', spec: { password: `{"auths":{}}${MARKER}` } },
      isRefused: true,
    },
    ...[
      { region: `eu-1.${ATTACKER}/` },
      { account: `1@${ATTACKER}` },
      { account: `${ATTACKER}/000000` },
      { endpoint: evil },
    ].map(
      (more): HostileDocument => ({
        name: `registry: AWS with ${JSON.stringify(more)}`,
        type: 'private-registry',
        options: {
          name: 'AWS',
          spec: { accessKeyId: 'a', secretAccessKey: MARKER, account: '123456789012', region: 'eu-west-1', ...more },
        },
        isRefused: true,
      }),
    ),
  ]
}

/** All of them; `canaryUrl` is a listener inside, `file` one that must not be read, `program` one that must not run. */
export function hostileDocuments(canaryUrl: string, file: string, program: string): readonly HostileDocument[] {
  return [
    ...googleKeys(canaryUrl, file, program),
    ...federations(canaryUrl, file, program),
    ...azures(canaryUrl),
    ...awss(canaryUrl, file),
    ...registries(canaryUrl),
  ]
}
