/** A token service that one registry may name: both as `host[:port]`. */
export interface RegistryRealm {
  readonly registry: string
  readonly realm: string
}

const host = /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?$/

/** Parses `SLUICE_REGISTRY_REALMS`; throws an `Error` whose message says which entry is wrong. */
export function parseRegistryRealms(text: string): RegistryRealm[] {
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter(Boolean)
    .map((entry) => {
      const [registry = '', realm = '', ...more] = entry.toLowerCase().split('=')
      if (more.length === 0 && host.test(registry) && host.test(realm)) return { registry, realm }
      throw new Error(
        `SLUICE_REGISTRY_REALMS is wrong: “${entry}” is no pair of hosts. Give registry=service, such as registry.example.com=gitlab.example.com.`,
      )
    })
}
