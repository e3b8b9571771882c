import type { FieldIssue } from '#core/integrations/integrations.ts'
import { type FolderFault, normaliseFolder } from '#storage/key.ts'
import { isMetadata } from '#storage/special-addresses.ts'

/** A text field of a payload: null, left out and empty are the same. */
export function textField(value: string | null | undefined): string | undefined {
  return value === null || value === undefined || value === '' ? undefined : value
}

/** Checks one optional text field against a pattern; the issue says what is allowed. */
export function matchingField(
  value: string | null | undefined,
  rule: { path: string; pattern: RegExp; message: string },
  issues: FieldIssue[],
): string | undefined {
  const text = textField(value)
  if (text === undefined || rule.pattern.test(text)) return text
  issues.push({ path: `payload.${rule.path}`, message: rule.message })
  return undefined
}

const folderFaults: Record<FolderFault, string> = {
  'not-utf8': 'The folder is not valid Unicode.',
  control: 'The folder has a line break or control character.',
  'dot-segment': 'The folder has a part that is “.” or “..”, for which no safe address can be made.',
  'too-long': 'The folder is too long: no room is left for names in it.',
}

/**
 * The folder as it is matched, from the text a person typed (DR-06, DR-07); an unusable one becomes an issue.
 *
 * One slash at the start means the bucket’s root and is dropped, so `/A/`, `A` and `A/` are one folder. Keys that really start with a slash are
 * reached with two: `//A` is the folder `/A/`.
 */
export function folderField(typed: string | null | undefined, issues: FieldIssue[]): string {
  const text = typed ?? ''
  const issue = (message: string): string => {
    issues.push({ path: 'payload.path', message })
    return ''
  }
  // An address here is the slip that is made most, and as a folder it would simply match nothing.
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return issue('Give the folder only, such as images/2026, not an address.')
  const folder = normaliseFolder(text.startsWith('/') ? text.slice(1) : text)
  return folder.ok ? folder.folder : issue(folderFaults[folder.fault])
}

/** Leaves out what is undefined: the stored document has only what was given. */
export function compact(fields: Record<string, string | boolean | undefined>): Record<string, string | boolean> {
  const kept: Record<string, string | boolean> = {}
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) kept[name] = value
  return kept
}

/** The address of a storage, as host and port only; one that leads to a cloud’s own machines is refused. */
export function endpointField(
  given: string | null | undefined,
  field: string,
  issues: FieldIssue[],
): string | undefined {
  const text = textField(given)
  if (text === undefined) return undefined
  const url = URL.canParse(text) ? new URL(text) : null
  const problem = url === null ? 'Give it as http(s)://host:port.' : endpointProblem(url)
  if (problem === null) return url!.origin
  issues.push({ path: `payload.${field}`, message: problem })
  return undefined
}

function endpointProblem(url: URL): string | null {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'Give it as http(s)://host:port.'
  if (url.username !== '' || url.password !== '')
    return 'Leave user and password out; they belong into the integration.'
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    return 'Give host and port only; the bucket’s name and the folder have fields of their own.'
  }
  // The URL parser has already turned every spelling of an IPv4 address (hexadecimal, octal, one number, full-width digits) into the usual one.
  const isDenied = isMetadata(url.hostname.replace(/^\[|\]$/g, ''))
  return isDenied ? 'This address belongs to the cloud’s own machines; there is no bucket.' : null
}
