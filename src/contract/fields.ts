import { z } from 'zod'

/**
 * An id in a path, query or body. Any text passes here: what is not an id cannot be found, and the guard then answers the noun's own 404,
 * which is what the vendor's SDK expects of malformed ids.
 */
export const id = (noun: string) => z.string().describe(`Id of the ${noun}: 24 hex characters.`)

/** An e-mail address as people type it. Deliberately lax: the mail server is the judge, and bots have addresses of their own kind. */
export const emailAddress = z
  .string()
  .max(254)
  .regex(/^[^\s@\p{Cc}]+@[^\s@\p{Cc}]+$/u, 'must be an e-mail address')
  .describe('E-mail address; capitals make no difference.')

/** A new password. */
export const newPassword = z.string().min(8).max(1024).describe('Password of 8 characters or more.')

/** A name that people give to something: no control characters, so that NUL never meets the database. */
export const displayName = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^\p{Cc}]*$/u, 'must not have control characters')

/** Any text the database can keep: no NUL and no half of a surrogate pair; both are refused here with their place instead of by the database. */
export const storableText = z
  .string()
  .refine((text) => !text.includes('\0') && text.isWellFormed(), 'must not have NUL or half a character')

/** A moment: ISO-8601, UTC, milliseconds, `Z`. */
export const isoTime = z.string().describe('ISO-8601, UTC, with milliseconds.')
