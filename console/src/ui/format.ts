const counts = new Intl.NumberFormat('en')
const dates = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' })

/** A number with its thousands apart: 1,000,000. */
export function formatCount(count: number): string {
  return counts.format(count)
}

/** A moment in the reader's own time zone. */
export function formatTime(time: string | number | Date): string {
  return dates.format(new Date(time))
}

const units = ['bytes', 'KB', 'MB', 'GB', 'TB', 'PB']

/** A size in units of a thousand, as storages bill it: 1.2 MB. */
export function formatBytes(bytes: number): string {
  const power = Math.min(units.length - 1, bytes < 1000 ? 0 : Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** power
  return `${value.toFixed(power === 0 || value >= 100 ? 0 : 1)} ${units[power]}`
}
