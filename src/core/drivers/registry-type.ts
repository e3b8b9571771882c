import type { DriverPayload } from '#contract/drivers.ts'
import { type FieldIssue, registryLogins } from '#core/integrations/integrations.ts'
import { AppError } from '#lib/app-error.ts'
import type { StorageSpec } from '#storage/open.ts'
import { hasNoCatalog, isHub, registryOrigin } from '#storage/registry/hosts.ts'
import { isRepository } from '#storage/registry/names.ts'
import { compact, textField } from './payload.ts'
import type { DriverConfig, DriverType, SpecContext } from './types.ts'

/** Most repositories a driver may name; a registry that lists its own is asked for them instead. */
const NAMED_MAX = 200

/** A container registry, to read from (D14): repositories and tags are folders, the manifests and blobs of a tag its files. */
export const registryType: DriverType = {
  type: 'registry',
  provider: 'registry',
  integrationTypes: ['private-registry'],
  // Public images are pulled by nobody in particular.
  isIntegrationOptional: () => true,
  opensWith: ['private-registry', null],
  placeFields: ['server', 'repositories', 'path'],

  check(payload: DriverPayload, issues: FieldIssue[]): DriverConfig {
    return compact({
      // The SDK's `drivers.create` sends what it calls the bucket's name under this name for every type it does not know.
      server: serverField(textField(payload.server) ?? payload.containerName, issues),
      repositories: repositoriesField(payload.repositories, issues),
      path: textField(payload.path),
    })
  },

  fingerprint: (config) => `registry|${new URL(originOf(config)).host}`,

  spec(config, { settings, credentials, folder }: SpecContext): StorageSpec {
    const origin = originOf(config)
    const login = credentials === null ? null : registryLogins(credentials).find((one) => one.origin === origin)
    if (login === undefined) {
      // Whoever makes the driver chooses a server; only those that the integration's owner entered get its password.
      throw new AppError('integration.invalid', {
        message: `The integration has no credentials for ${new URL(origin).host}; choose another integration, or the server it was made for.`,
      })
    }
    const given = namesOf(config.repositories as string | undefined)
    // Where nobody is told which repositories there are, the folder has to be one. Never by a refusal met on the way: what a driver takes must not change by that.
    const ofFolder = folder.replace(/\/$/, '')
    const named = given.length === 0 && hasNoCatalog(origin) && isRepository(ofFolder) ? [ofFolder] : given
    return {
      provider: 'registry',
      origin,
      account: login?.account ?? null,
      allowedRealms: settings.registryRealms,
      repositories: isHub(origin) ? named.map(hubName) : named,
    }
  },
}

function originOf(config: DriverConfig): string {
  return registryOrigin(String(config.server))!
}

/** Docker Hub keeps the images that have no user before their name under `library/`. */
function hubName(repository: string): string {
  return repository.includes('/') ? repository : `library/${repository}`
}

function serverField(given: string | null | undefined, issues: FieldIssue[]): string | undefined {
  const server = textField(given)
  const message =
    server === undefined
      ? 'The registry’s server is required.'
      : registryOrigin(server) === null
        ? 'Give the registry’s host, such as europe-west3-docker.pkg.dev or registry.example.com:5000; repositories have a field of their own.'
        : null
  if (message !== null) issues.push({ path: 'payload.server', message })
  return server
}

function namesOf(text: string | undefined): string[] {
  return (text ?? '').split(/[\s,]+/).filter((name) => name !== '')
}

function repositoriesField(given: string | null | undefined, issues: FieldIssue[]): string | undefined {
  const text = textField(given)
  const names = namesOf(text)
  const wrong = names.filter((name) => !isRepository(name))
  const message =
    wrong.length > 0
      ? 'Give names of repositories without server and tag, such as team/photos, separated by commas.'
      : names.length > NAMED_MAX
        ? `Name ${NAMED_MAX} repositories at the most.`
        : null
  if (message !== null) issues.push({ path: 'payload.repositories', message })
  return names.length === 0 ? undefined : text
}
