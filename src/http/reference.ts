export function referencePage(_r: unknown): string {
  return ''
}
