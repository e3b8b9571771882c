import type { SetSum } from './replay/entry.ts'

/** Throws unless what was found is what the generator says; `checksum` and `bytes` are compared where they were computed. */
export function expectSum(
  who: string,
  found: { units: number; bytes?: number; checksum?: string },
  truth: SetSum,
): void {
  const wrong: string[] = []
  if (found.units !== truth.count) wrong.push(`${found.units} objects instead of ${truth.count}`)
  if (found.bytes !== undefined && found.bytes !== truth.bytes)
    wrong.push(`${found.bytes} bytes instead of ${truth.bytes}`)
  if (found.checksum !== undefined && found.checksum !== truth.checksum) wrong.push('other keys, sizes or etags')
  if (wrong.length > 0) throw new Error(`${who} is wrong, its time does not count: ${wrong.join(', ')}`)
}

/** The same for what was summed up in full. */
export function expectSameSum(who: string, { count, bytes, checksum }: SetSum, truth: SetSum): void {
  expectSum(who, { units: count, bytes, checksum }, truth)
}
