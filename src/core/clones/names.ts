/**
 * The name a copy gets where its own is taken: the first of `a (2).jpg`, `a (3).jpg` and so on that is free. The ending stays, because programs go by it.
 * `number` is 2 or more.
 */
export function numberedName(name: string, number: number): string {
  const dot = name.lastIndexOf('.')
  // A dot in front makes a hidden name, not an ending.
  return dot > 0 ? `${name.slice(0, dot)} (${number})${name.slice(dot)}` : `${name} (${number})`
}
