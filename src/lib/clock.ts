/** Where the time comes from; passed in, so that tests can turn it. */
export interface Clock {
  /** Milliseconds since 1970, wall clock. Never used to order observations: tickets do that. */
  now(): number
}

/** The machine's clock. */
export const systemClock: Clock = { now: () => Date.now() }

/** A time in milliseconds as the API writes it: ISO-8601, UTC, milliseconds, `Z`. */
export function toIso(ms: number): string {
  return new Date(ms).toISOString()
}

/** A time in milliseconds as HTTP headers write it: `Sun, 22 Nov 2026 09:00:00 GMT`. */
export function toHttpDate(ms: number): string {
  return new Date(ms).toUTCString()
}
