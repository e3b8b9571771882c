import { errors } from '#contract/errors.ts'
import { remedyOf } from '../check-words.ts'
import { storageErrorCode } from '../error-codes.ts'
import type { CheckOptions, CheckReport, Probe, Storage } from '../port.ts'
import type { StorageError } from '../storage-error.ts'
import type { RegistryClient } from './client.ts'
import { registryError, toRegistryError } from './failures.ts'

/** A blob up to this size is read whole to try reading, and its digest verified; of larger ones the first bytes. */
const READ_WHOLE_BYTES_MAX = 4 * 1024 * 1024
/** Entries that are looked at for a blob to read. */
const LOOKED_AT = 50
const PART_BYTES = 16

const doing = {
  list: 'List the repositories, their tags and manifests',
  read: 'Read a blob and verify its digest',
  range: 'Read a part of a blob',
} as const

type TriedName = keyof typeof doing

/** What a registry never does for anybody here; asked of every driver, so it is said and not left out. */
const never: readonly Probe[] = (['write', 'sign', 'delete'] as const).map((name) => ({
  name,
  ok: false,
  optional: true,
  code: name === 'sign' ? 'storage.unsupported' : 'driver.read_only',
  message: neverSentence(name),
}))

function neverSentence(name: 'write' | 'sign' | 'delete'): string {
  if (name === 'sign') return 'A registry signs no addresses; files go through the server.'
  return `A registry is read only here: nothing is ${name === 'write' ? 'written into' : 'deleted from'} it.`
}

/**
 * Really tries what reading from a registry needs: the handshake, the lists, a manifest, a blob and a part of one. For `registry.ts`; the report is the only
 * outcome, nothing is thrown. Writing and deleting are no probes that may fail: the driver is read only, and says so.
 */
export async function checkRegistry(
  storage: Storage,
  client: RegistryClient,
  options: CheckOptions,
): Promise<CheckReport> {
  const { folder, signal } = options
  const warnings: string[] = []
  const probes: Probe[] = []
  const tryIt = async (name: TriedName, work: () => Promise<void>) => {
    const failure = await work().then(
      () => null,
      (error: unknown) => toRegistryError(error, { op: name }, signal),
    )
    // Without parts files are given whole; everything else is what the driver is for.
    const optional = name === 'range'
    probes.push(failure === null ? { name, ok: true, optional } : { ...failed(name, failure), optional })
    return failure === null
  }

  let found: Found = { blob: null, any: null }
  const isListed = await tryIt('list', async () => {
    // First, because a wrong password and a wrong host are told apart by nothing else as well.
    await client.ping({ signal })
    found = await look(storage, folder, signal)
    if (found.any === null) warnings.push(emptySentence(folder))
  })
  const [list] = probes
  const target = found.blob ?? found.any
  for (const name of ['read', 'range'] as const) {
    if (!isListed) probes.push({ ...list!, name })
    else if (target === null) probes.push(untried(name))
    else await tryIt(name, () => read(storage, target, name === 'range', signal))
  }
  const [, readProbe, range] = probes as [Probe, Probe, Probe]
  const [write, sign, remove] = never as [Probe, Probe, Probe]
  const all = [list!, write, readProbe, range, sign, remove]
  const ok = all.every((probe) => probe.ok || probe.optional)
  return { ok, probes: all, capabilities: storage.can, warnings }
}

interface Target {
  readonly key: string
  readonly sizeBytes: number
}

interface Found {
  readonly blob: Target | null
  readonly any: Target | null
}

/** The smallest blob among the first entries: its bytes come from where the registry really keeps them, often another host. */
async function look(storage: Storage, folder: string, signal: AbortSignal | undefined): Promise<Found> {
  const page = await storage.list({ prefix: folder, entriesMax: LOOKED_AT, signal })
  let blob: Target | null = null
  let any: Target | null = null
  const { entries } = page
  while (entries.next()) {
    const key = entries.keyBytes.toString('utf8', entries.keyStart, entries.keyEnd)
    const one = { key, sizeBytes: entries.sizeBytes }
    any ??= one
    const isManifest = key.endsWith('manifest.json')
    if (!isManifest && one.sizeBytes > 0 && (blob === null || one.sizeBytes < blob.sizeBytes)) blob = one
  }
  page.release()
  return { blob, any }
}

async function read(
  storage: Storage,
  { key, sizeBytes }: Target,
  isPart: boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  const isWhole = !isPart && sizeBytes <= READ_WHOLE_BYTES_MAX
  const end = Math.min(PART_BYTES, sizeBytes) - 1
  const opened = await storage.read(key, { signal, ...(isWhole ? {} : { range: { start: Math.min(1, end), end } }) })
  let length = 0
  for await (const chunk of opened.body) length += (chunk as Buffer).length
  if (length !== opened.bodyBytes) {
    throw registryError('invalid', { op: 'read' }, { message: 'The registry gave other bytes than it said.' })
  }
}

function untried(name: TriedName): Probe {
  const message = 'Not tried, because there is nothing to try it with.'
  return { name, ok: false, optional: true, code: 'driver.read_only', message }
}

function emptySentence(folder: string): string {
  if (folder === '') return 'The registry holds nothing that these credentials may see.'
  return 'The folder is empty or does not exist yet; it is a repository, or a repository and a tag, in small letters.'
}

/** Failures that stand for all of a check: their own sentences say what to do. */
const ofConnection: ReadonlySet<string> = new Set([
  'unreachable',
  'tls',
  'not-a-storage',
  'bad-credentials',
  'expired-credentials',
  'aborted',
])

function failed(name: TriedName, error: StorageError): Probe {
  const code = storageErrorCode(error)
  const message = ofConnection.has(error.kind) ? sentenceOf(error) : `${doing[name]}: ${error.message}`
  const remedy = remedyOf(name, 'pull', error)
  return { name, ok: false, optional: false, code, message, ...(remedy !== undefined && { remedy }) }
}

function sentenceOf(error: StorageError): string {
  return error.kind === 'bad-credentials' ? error.message : errors[storageErrorCode(error)].message
}
