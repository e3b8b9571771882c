/** Prints lines of figures after a suite; Vitest shows what a test writes. */
export function tell(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`)
}
