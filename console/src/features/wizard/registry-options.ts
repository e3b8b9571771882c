type Typed = Readonly<Record<string, string>>

/** The options of an integration with Amazon's registry. */
export function awsRegistryOptions({ accessKeyId, secretAccessKey, account, region }: Typed) {
  return { name: 'AWS', spec: { accessKeyId, secretAccessKey, account, region } }
}

/**
 * The options of an integration with any other registry: a docker configuration in base64, in which `auth` is user and password once more.
 *
 * Source: https://docs.docker.com/reference/cli/docker/login/
 */
export function dockerOptions({ server = '', username = '', password = '' }: Typed) {
  const account = { username, password, auth: base64(`${username}:${password}`) }
  return { name: '_json_key', spec: { password: base64(JSON.stringify({ auths: { [server]: account } })) } }
}

/** Base64 of the text's UTF-8; the browser's own function takes bytes only. */
function base64(text: string): string {
  return btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(''))
}
