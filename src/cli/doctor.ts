import { createClient } from '#client/client.ts'
import type { CliAccess } from '#config/cli-access.ts'

/** What `sluice doctor` found out, for the command line. */
export interface Examination {
  /** The whole answer, for programs. */
  readonly answer: unknown
  /** The same for people, line by line. */
  readonly lines: readonly string[]
  readonly isUsable: boolean
}

/** Has a server examine one of its storage drivers; for `sluice doctor`. Throws `ApiError`. */
export async function examine(access: CliAccess, driverId: string): Promise<Examination> {
  const { url, token } = access
  const client = createClient({ baseUrl: url, token: () => token?.reveal() })
  const found = await client.examineDriver({ params: { driverId } })
  const lines = found.probes.flatMap(({ name, ok, optional, message, remedy }) => [
    `${ok ? 'ok    ' : optional ? 'limit ' : 'FAILED'} ${name}${message === undefined ? '' : `: ${message}`}`,
    ...(remedy === undefined || optional ? [] : [`       → ${remedy}`]),
  ])
  if (found.clockAheadSeconds !== null) lines.push(`clock  ${found.clockAheadSeconds} s ahead of the storage’s`)
  if (found.cors !== null) {
    lines.push(`${found.cors.ok ? 'ok    ' : 'limit '} CORS for ${found.cors.origin}`)
    lines.push(...found.cors.missing.map((one) => `       ${one}`))
    if (!found.cors.ok) lines.push(`       → set this rule: ${JSON.stringify(found.cors.rule)}`)
  }
  lines.push(...found.warnings.map((warning) => `note   ${warning}`))
  lines.push(found.ok ? 'The storage driver is usable.' : `The storage driver is not usable: ${found.message}`)
  return { answer: found, lines, isUsable: found.ok }
}
