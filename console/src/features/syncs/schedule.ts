/** Units in which people say how often a dataset is synced: their minutes. */
export const unitMinutes = [1, 60, 1440] as const
/** Minutes of a unit. */
export type UnitMinutes = (typeof unitMinutes)[number]

/** Limits of the API: 5 minutes to 31 days. */
const MINUTES_MIN = 5
const MINUTES_MAX = 44_640

/** The largest unit in which a number of minutes is whole. */
export function unitOf(everyMinutes: number): UnitMinutes {
  return unitMinutes.findLast((minutes) => everyMinutes % minutes === 0) ?? 1
}

/** Whether the API takes this interval. */
export function isInterval(everyMinutes: number): boolean {
  return Number.isInteger(everyMinutes) && everyMinutes >= MINUTES_MIN && everyMinutes <= MINUTES_MAX
}
