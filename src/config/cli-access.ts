import { z } from 'zod'
import { Secret } from '#lib/secret.ts'

const variables = z.object({
  SLUICE_URL: z.url({ protocol: /^https?$/ }).default('http://127.0.0.1:7070'),
  SLUICE_TOKEN: z.string().optional(),
})

/** Which server the command line talks to, and as whom. */
export interface CliAccess {
  readonly url: string
  /** Undefined: nobody is logged in. */
  readonly token: Secret | undefined
}

/** Reads SLUICE_URL and SLUICE_TOKEN; a token is never taken from the arguments, which every user of a machine can read. Throws a `ZodError` for an address that is none. */
export function readCliAccess(env: Readonly<Record<string, string | undefined>> = process.env): CliAccess {
  const v = variables.parse(Object.fromEntries(Object.entries(env).filter(([, value]) => value !== '')))
  return { url: v.SLUICE_URL, token: v.SLUICE_TOKEN === undefined ? undefined : new Secret(v.SLUICE_TOKEN) }
}
