// A registry behind the API: an integration and a driver made through it, and syncs that a test runs to their end.
import { readConfig } from '#config/config.ts'
import type { Deps } from '#core/deps.ts'
import { continueSync } from '#core/sync/sync.ts'
import { type Registry, registryUser } from '../emulators/registry.ts'
import { type Answer, type TestApi, withApi } from './api.ts'

/** The docker configuration of one server in base64, as the SDK's own functions make it. */
export function dockerOptions(
  server: string,
  account: { username: string; password: string; email?: string } = registryUser,
): { name: string; spec: { password: string } } {
  const auth = Buffer.from(`${account.username}:${account.password}`).toString('base64')
  const auths = { [server]: { ...account, auth } }
  return { name: '_json_key', spec: { password: Buffer.from(JSON.stringify({ auths })).toString('base64') } }
}

/** The API with registries behind it. */
export interface RegistryApi {
  readonly api: TestApi
  readonly projectId: string
  call(method: string, url: string, json?: unknown): Promise<Answer>
  /** Makes a private-registry integration; answers its id. */
  addIntegration(options: object): Promise<string>
  /** Sends a driver of the type `registry`. */
  sendDriver(integrationId: string | null, payload: object, url?: string): Promise<Answer>
  /** Makes a dataset on a driver, untouched by any sync. */
  addDataset(driverId: string): Promise<string>
  /** Syncs to the end; answers the command. */
  sync(datasetId: string, json?: unknown): Promise<Answer>
  /** Files of a dataset by their full names, as the API gives them. */
  // biome-ignore lint/suspicious/noExplicitAny: a test asserts what it expects of the JSON.
  files(datasetId: string): Promise<any[]>
  close(): Promise<void>
}

/** Opens the API; the token service of `registry`, if it has one, is allowed as an operator would. */
export async function withRegistryApi(registry?: Registry, override: Partial<Deps> = {}): Promise<RegistryApi> {
  const queued: number[] = []
  const realm = registry?.realmHost
  const settings = realm ? { SLUICE_REGISTRY_REALMS: `${new URL(registry.origin).host}=${realm}` } : {}
  const api = await withApi({
    config: readConfig(settings),
    queue: {
      enqueue: async (_tx, job, payload) => {
        if (job === 'sync.slice') queued.push((payload as { runNo: number }).runNo)
      },
    },
    ...override,
  })
  const projectId = await api.addProject()
  const call: RegistryApi['call'] = (method, url, json) =>
    api.call(api.owner, method, `/api/v1${url}`, json === undefined ? {} : { json })
  const must = async (method: string, url: string, json?: unknown) => {
    const answer = await call(method, url, json)
    if (answer.status >= 400) throw new Error(`${method} ${url} answered ${answer.status}: ${answer.text}`)
    return answer
  }
  return {
    api,
    projectId,
    call,
    addIntegration: async (options) =>
      (await must('POST', `/orgs/${api.orgId}/integrations`, { name: 'r', type: 'private-registry', options })).body.id,
    sendDriver: (integrationId, payload, url = '/drivers') =>
      call('POST', url, {
        name: `registry ${Math.random()}`,
        type: 'registry',
        integrationId,
        integrationType: integrationId === null ? null : 'private-registry',
        metadata: { system: { projectId } },
        payload,
        allowExternalDelete: false,
      }),
    addDataset: async (driver) =>
      (await must('POST', '/datasets', { name: `d ${Math.random()}`, projects: [projectId], driver, sync: false })).body
        .id,
    sync: async (datasetId, json) => {
      const command = await must('POST', `/datasets/${datasetId}/sync`, json)
      while (queued.length > 0) await continueSync(api.deps, queued.shift()!, new AbortController().signal)
      return must('GET', `/commands/${command.body.id}`)
    },
    files: async (datasetId) => {
      const query = { filter: {}, page: 0, pageSize: 1000, resource: 'items' }
      const { body } = await must('POST', `/datasets/${datasetId}/query`, query)
      return body.items.filter((item: { type: string }) => item.type === 'file')
    },
    close: () => api.close(),
  }
}
