/** Name of the migrated database that tests clone. */
export const TEMPLATE = 'sluice_template'

/** The same server's address with another database. */
export function inDatabase(url: string, name: string): string {
  const address = new URL(url)
  address.pathname = `/${name}`
  return address.href
}
