import { randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { errors } from '#contract/errors.ts'
import type { Egress } from './egress.ts'
import { storageErrorCode } from './error-codes.ts'
import { fetchSigned } from './http/fetch-signed.ts'
import { HIDDEN_FOLDER, hiddenFolderTest } from './key.ts'
import type { CheckOptions, CheckReport, Probe, SignedRequest, Storage } from './port.ts'
import { StorageError, type StorageErrorKind } from './storage-error.ts'

/** Name of the one file a check writes, in the hidden folder; always the same, so that checks without the right to delete leave one file (PM-06). */
export const CHECK_FILE = 'sluice-check'

/** What differs between providers in a check. */
export interface CheckWords {
  /** What the provider calls the rights, for sentences that say what to grant. */
  readonly rights: { readonly list: string; readonly read: string; readonly write: string; readonly delete: string }
  /** What signed addresses are fetched through; a storage that signs none needs none. */
  readonly egress?: Egress
  /** Signs for the address the server itself uses, where browsers may use another. */
  readonly signedReadHere?: (key: string, ttlSeconds: number) => SignedRequest
}

type ProbeName = Probe['name']

const probeNames: readonly ProbeName[] = ['list', 'write', 'read', 'range', 'sign', 'delete']

/** Failures that no other probe can get around: they stop the check and stand for all of it. */
const connectionKinds: ReadonlySet<StorageErrorKind> = new Set([
  'unreachable',
  'address-denied',
  'tls',
  'not-a-storage',
  'wrong-region',
  'unknown-bucket',
  'bad-credentials',
  'expired-credentials',
  'clock-skew',
  'root-not-allowed',
  'aborted',
])

const SIGN_TTL_SECONDS = 60
const SIGN_MS = 15_000

/**
 * Really tries, one after the other, what a driver needs: list, write the test file, read it, read a part of it, fetch it through a signed
 * address, delete it (PM-01 to PM-06). For the `check()` of every driver; the report is the only outcome, nothing is thrown.
 */
export async function checkStorage(storage: Storage, options: CheckOptions, words: CheckWords): Promise<CheckReport> {
  const check = new Check(storage, options, words)
  await check.run()
  return check.report()
}

class Check {
  readonly #storage: Storage
  readonly #options: CheckOptions
  readonly #words: CheckWords
  readonly #key: string
  readonly #content = Buffer.from(`Sluice tried its rights here. ${randomBytes(8).toString('hex')}\n`)
  readonly #probes = new Map<ProbeName, Probe>()
  readonly #warnings: string[] = []
  #mayListBelow = false

  constructor(storage: Storage, options: CheckOptions, words: CheckWords) {
    this.#storage = storage
    this.#options = options
    this.#words = words
    this.#key = `${options.folder}${options.hiddenFolder ?? HIDDEN_FOLDER}/${CHECK_FILE}`
  }

  async run(): Promise<void> {
    const { read, write } = this.#words.rights
    await this.#try('list', this.#words.rights.list, () => this.#list())
    if (this.#isOk('list')) this.#mayListBelow = await this.#canListBelow()
    await this.#try('write', write, () => this.#write())
    // What follows needs the file; without it, its own failure would only confuse.
    if (!this.#isOk('write')) return
    await this.#try('read', read, () => this.#read(this.#content))
    await this.#try('range', read, () => this.#read(this.#content.subarray(1, 4), { start: 1, end: 3 }))
    if (this.#storage.can.sign_read) await this.#try('sign', read, () => this.#sign())
    await this.#try('delete', this.#words.rights.delete, () => this.#delete())
  }

  report(): CheckReport {
    const probes = probeNames.map((name) => this.#probes.get(name) ?? this.#untried(name))
    const ok = probes.every((probe) => probe.ok || probe.optional)
    const capabilities = { ...this.#storage.can, list_below: this.#mayListBelow }
    return { ok, probes, capabilities, warnings: this.#warnings }
  }

  async #try(name: ProbeName, right: string, probe: () => Promise<void>): Promise<void> {
    // A failure of the connection stands for all: trying on would only wait for the same.
    for (const { code } of this.#probes.values()) if (code !== undefined && this.#stopping.has(code)) return
    try {
      this.#options.signal?.throwIfAborted()
      await probe()
      this.#probes.set(name, { name, ok: true, optional: this.#isOptional(name) })
    } catch (error) {
      this.#fail(name, right, error)
    }
  }

  readonly #stopping = new Set<string>()

  #fail(name: ProbeName, right: string, thrown: unknown): void {
    const error = this.#asStorageError(name, thrown)
    const code = error instanceof FolderIsFile ? 'storage.folder_is_file' : storageErrorCode(error)
    if (connectionKinds.has(error.kind) || error instanceof FolderIsFile) this.#stopping.add(code)
    const message = sentenceOf(name, right, error)
    this.#probes.set(name, { name, ok: false, optional: this.#isOptional(name), code, message })
  }

  #asStorageError(op: string, thrown: unknown): StorageError {
    if (thrown instanceof StorageError) return thrown
    const { provider } = this.#storage
    if (this.#options.signal?.aborted) return new StorageError('aborted', 'The check was stopped.', { provider, op })
    return new StorageError('invalid', 'The storage gave an answer that makes no sense.', {
      provider,
      op,
      cause: thrown,
    })
  }

  #untried(name: ProbeName): Probe {
    const optional = this.#isOptional(name)
    if (name === 'sign' && !this.#storage.can.sign_read) {
      const message = 'This storage signs no addresses; files go through the server.'
      return { name, ok: false, optional: true, code: 'storage.unsupported', message }
    }
    for (const probe of this.#probes.values()) {
      if (probe.code !== undefined && this.#stopping.has(probe.code)) return { ...probe, name, optional }
    }
    const write = this.#probes.get('write')
    const message = `Not tried, because the test file could not be written. ${write?.message ?? ''}`.trim()
    return { name, ok: false, optional, code: write?.code ?? 'storage.invalid_answer', message }
  }

  #isOptional(name: ProbeName): boolean {
    // Without signed addresses files go through the server; without delete nothing is deleted.
    return name === 'sign' || (name === 'delete' && !this.#options.allowDelete)
  }

  #isOk(name: ProbeName): boolean {
    return this.#probes.get(name)?.ok === true
  }

  async #list(): Promise<void> {
    const { folder, signal } = this.#options
    const isHidden = hiddenFolderTest(this.#options.hiddenFolder)
    const page = await this.#storage.list({ prefix: folder, entriesMax: 10, signal })
    let hasItems = page.isTruncated
    const { entries } = page
    while (entries.next()) hasItems ||= !isHidden(entries.keyBytes, entries.keyStart, entries.keyEnd)
    page.release()
    if (hasItems) return
    if (folder !== '') await this.#refuseFile(folder.slice(0, -1))
    this.#warnings.push(
      folder === ''
        ? 'The bucket is empty.'
        : 'The folder is empty or does not exist yet; check its spelling and case.',
    )
  }

  /** Asked here, once, so that a sync under a folder-limited policy sends nothing that is denied and shows up in the bucket owner's log. */
  async #canListBelow(): Promise<boolean> {
    const { folder, hiddenFolder, signal } = this.#options
    try {
      const page = await this.#storage.list({
        prefix: `${folder}${hiddenFolder ?? HIDDEN_FOLDER}/`,
        entriesMax: 1,
        signal,
      })
      page.release()
      return this.#storage.can.list_below
    } catch {
      // Whatever is wrong with it, the plain listing does without.
      return false
    }
  }

  /** A folder without content whose name is a file's was meant to be that file (DR-06). Being denied the look at it is no error (2.21). */
  async #refuseFile(key: string): Promise<void> {
    const { provider } = this.#storage
    const found = await this.#storage.stat(key, { signal: this.#options.signal }).catch((error: unknown) => {
      const isOpen = error instanceof StorageError && !connectionKinds.has(error.kind)
      if (isOpen) return null
      throw error
    })
    if (found !== null)
      throw new FolderIsFile('unsupported', errors['storage.folder_is_file'].message, { provider, op: 'list' })
  }

  async #write(): Promise<void> {
    const { signal } = this.#options
    const sizeBytes = this.#content.length
    await this.#storage.write(this.#key, this.#content, { sizeBytes, contentType: 'text/plain', signal })
  }

  async #read(expected: Buffer, range?: { start: number; end: number }): Promise<void> {
    const opened = await this.#storage.read(this.#key, { range, signal: this.#options.signal })
    this.#compare(range === undefined ? 'read' : 'range', await buffer(opened.body), expected)
  }

  async #sign(): Promise<void> {
    const signed = await this.#storage.signRead(this.#key, { ttlSeconds: SIGN_TTL_SECONDS })
    const here = this.#words.signedReadHere?.(this.#key, SIGN_TTL_SECONDS)
    let answer = await this.#fetch(signed)
    if (answer === null && here !== undefined && new URL(here.url).host !== new URL(signed.url).host) {
      this.#warnings.push('This server cannot reach the browser endpoint; make sure that browsers can.')
      answer = await this.#fetch(here)
    }
    const { provider } = this.#storage
    if (answer === null)
      throw new StorageError('unreachable', 'The signed address cannot be reached.', { provider, op: 'sign' })
    if (answer.status !== 200)
      throw new StorageError('forbidden', 'The signed address was refused.', { provider, op: 'sign' })
    this.#compare('sign', answer.body, this.#content)
  }

  async #fetch(signed: SignedRequest): Promise<{ status: number; body: Buffer } | null> {
    const { egress } = this.#words
    if (egress === undefined) throw new TypeError('a storage that signs addresses must give the check its egress')
    const limit = AbortSignal.timeout(SIGN_MS)
    const signal = this.#options.signal === undefined ? limit : AbortSignal.any([limit, this.#options.signal])
    const answer = await fetchSigned(signed, egress, signal)
    if (answer === null) this.#options.signal?.throwIfAborted()
    return answer
  }

  async #delete(): Promise<void> {
    const [outcome] = await this.#storage.remove([this.#key], { signal: this.#options.signal })
    if (outcome?.ok === false) throw outcome.error
  }

  #compare(op: string, got: Buffer, expected: Buffer): void {
    if (got.equals(expected)) return
    const { provider } = this.#storage
    throw new StorageError('invalid', 'The storage gave back other bytes than were written.', { provider, op })
  }
}

/** Reported with its own code, unlike every other thing a storage does not support. */
class FolderIsFile extends StorageError {}

const doing: Readonly<Record<ProbeName, string>> = {
  list: 'List the folder',
  write: 'Write a test file into the hidden folder',
  read: 'Read the test file',
  range: 'Read a part of the test file',
  sign: 'Fetch the test file through a signed address',
  delete: 'Delete the test file',
}

function sentenceOf(name: ProbeName, right: string, error: StorageError): string {
  if (error instanceof FolderIsFile) return error.message
  if (error.kind === 'forbidden') return `${doing[name]}: denied. Grant ${right} to these credentials.`
  if (error.kind === 'kms-forbidden') {
    return `${doing[name]}: denied by the encryption key. Grant kms:Decrypt and kms:GenerateDataKey on the bucket’s key.`
  }
  if (error.kind === 'wrong-region' && error.facts.region !== undefined) {
    return `The bucket is in the region ${error.facts.region}; set that region in the driver.`
  }
  if (connectionKinds.has(error.kind)) return errors[storageErrorCode(error)].message
  return `${doing[name]}: ${error.message}`
}
