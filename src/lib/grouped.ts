const format = new Intl.NumberFormat('en')

/** A count as it stands in sentences for people, its thousands apart: 1,000,000. */
export function grouped(count: number): string {
  return format.format(count)
}
