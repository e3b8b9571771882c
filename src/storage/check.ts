import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { errors } from '#contract/errors.ts'
import { connectionKinds, remedyOf, sentenceOf } from './check-words.ts'
import type { Egress } from './egress.ts'
import { storageErrorCode } from './error-codes.ts'
import { fetchSigned } from './http/fetch-signed.ts'
import { HIDDEN_FOLDER, hiddenFolderTest, unaddressableReason } from './key.ts'
import type { Capabilities, CheckOptions, CheckReport, Probe, SignedRequest, Storage } from './port.ts'
import { StorageError } from './storage-error.ts'

/** Name of the one file a check writes, in the hidden folder; always the same, so that checks without the right to delete leave one file (PM-06). */
export const CHECK_FILE = 'sluice-check'

/** What the file holds, with a number that differs each time. */
const CHECK_CONTENT = /^Sluice tried its rights here\. [0-9a-f]{16}\n$/

/** What differs between providers in a check. */
export interface CheckWords {
  /** What the provider calls the rights, for sentences that say what to grant. */
  readonly rights: {
    readonly list: string
    readonly read: string
    readonly write: string
    readonly delete: string
    /** Where signing needs another right than reading. */
    readonly sign?: string
  }
  /** What signed addresses are fetched through; a storage that signs none needs none. */
  readonly egress?: Egress
  /** Whether replacing a file wants the right to delete. */
  readonly isOverwritingDeleting?: boolean
  /** Finds out on the test file what storages of this kind differ in; never throws. It may leave the file removed. */
  readonly conditions?: (
    key: string,
    content: Buffer,
    signal: AbortSignal | undefined,
  ) => Promise<Partial<Capabilities>>
  /** Signs for the address the server itself uses, where browsers may use another. */
  readonly signedReadHere?: (key: string, ttlSeconds: number) => SignedRequest | Promise<SignedRequest>
}

type ProbeName = Probe['name']

const probeNames: readonly ProbeName[] = ['list', 'write', 'read', 'range', 'sign', 'delete']

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
  #content = Buffer.from(`Sluice tried its rights here. ${randomBytes(8).toString('hex')}\n`)
  readonly #probes = new Map<ProbeName, Probe>()
  readonly #warnings: string[] = []
  #mayListBelow = false
  #found: Partial<Capabilities> = {}
  /** A file of the user's own, to try reading with where nothing may be written. */
  #sample: string | null = null

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
    if (this.#isReadOnly) return this.#runReading()
    await this.#try('write', write, () => this.#write())
    // What follows needs the file; without it, its own failure would only confuse.
    if (!this.#isOk('write')) return
    await this.#try('read', read, () => this.#read(this.#content))
    await this.#try('range', read, () => this.#read(this.#content.subarray(1, 4), { start: 1, end: 3 }))
    if (this.#storage.can.sign_read) await this.#try('sign', this.#words.rights.sign ?? read, () => this.#sign())
    const { conditions } = this.#words
    if (conditions !== undefined && this.#isOk('read'))
      this.#found = await conditions(this.#key, this.#content, this.#options.signal)
    await this.#try('delete', this.#words.rights.delete, () => this.#delete())
    if (this.#options.isThorough === true && this.#isOk('read') && this.#sample !== null)
      await this.#readOther(this.#sample)
  }

  /** Only a warning: one file may have its own reasons, and those of the others are not known. */
  async #readOther(key: string): Promise<void> {
    try {
      await this.#readAny(key)
    } catch (thrown) {
      const error = this.#asStorageError('read', thrown)
      this.#warnings.push(
        `The test file can be read, but the first file of the folder cannot: ${error.message} Look for ${this.#words.rights.read} on all files.`,
      )
    }
  }

  /** What can be tried without writing anything: with a file that is there or, where there is none, with the refusal of one that is not. */
  async #runReading(): Promise<void> {
    const { read } = this.#words.rights
    const key = this.#sample
    await this.#try('read', read, () => this.#readAny(key))
    if (key !== null) await this.#try('range', read, () => this.#readFirstByte(key))
    if (this.#storage.can.sign_read && this.#isOk('read'))
      await this.#try('sign', this.#words.rights.sign ?? read, () => this.#signAny(key))
  }

  report(): CheckReport {
    const probes = probeNames.map((name) => this.#probes.get(name) ?? this.#untried(name))
    const ok = probes.every((probe) => probe.ok || probe.optional)
    const capabilities = { ...this.#storage.can, ...this.#found, list_below: this.#mayListBelow }
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
    const message = error instanceof FolderIsFile ? error.message : sentenceOf(name, right, error)
    const remedy = error instanceof FolderIsFile ? undefined : remedyOf(name, right, error)
    const { region } = error.facts
    const told = { ...(remedy !== undefined && { remedy }), ...(region !== undefined && { region }) }
    this.#probes.set(name, { name, ok: false, optional: this.#isOptional(name), code, message, ...told })
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
    if (this.#isReadOnly) {
      const message = READ_ONLY[name] ?? 'Not tried, because there is no file to try it with.'
      return { name, ok: false, optional: true, code: 'driver.read_only', message }
    }
    const write = this.#probes.get('write')
    const message = `Not tried, because the test file could not be written. ${write?.message ?? ''}`.trim()
    const remedy = write?.remedy === undefined ? {} : { remedy: write.remedy }
    return { name, ok: false, optional, code: write?.code ?? 'storage.invalid_answer', message, ...remedy }
  }

  #isOptional(name: ProbeName): boolean {
    // Without signed addresses files go through the server; without delete nothing is deleted.
    if (name === 'sign' || (name === 'delete' && !this.#options.allowDelete)) return true
    return this.#isReadOnly && name !== 'list' && name !== 'read'
  }

  get #isReadOnly(): boolean {
    return this.#options.isReadOnly === true || !this.#storage.can.write
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
    while (entries.next()) {
      const { keyBytes, keyStart, keyEnd, sizeBytes, isArchived } = entries
      const isItem = !isHidden(keyBytes, keyStart, keyEnd)
      hasItems ||= isItem
      const key = keyBytes.toString('utf8', keyStart, keyEnd)
      if (isItem && sizeBytes > 0 && !isArchived && unaddressableReason(key) === undefined) this.#sample ??= key
    }
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
    const options = { sizeBytes, contentType: 'text/plain', signal }
    await this.#storage.write(this.#key, this.#content, options).catch((error: unknown) => this.#createInstead(error))
  }

  /**
   * Where overwriting counts as deleting, the file of an earlier check stays, and the right to create is tried by an upload that is begun and given up:
   * nothing comes of it (PM-06). Throws the first failure again where that is no way out.
   */
  async #createInstead(failure: unknown): Promise<void> {
    const isDenied = failure instanceof StorageError && failure.kind === 'forbidden'
    if (!isDenied || this.#words.isOverwritingDeleting !== true) throw failure
    const { signal } = this.#options
    const begun = await this.#storage
      .write(`${this.#key}-${randomBytes(8).toString('hex')}`, Readable.from([]), { sizeBytes: 1, signal })
      .then(
        () => null,
        (error: unknown) => error,
      )
    if (!(begun instanceof StorageError) || begun.kind !== 'invalid') throw failure
    const kept = await this.#storage.read(this.#key, { signal })
    const content = await buffer(kept.body)
    if (!CHECK_CONTENT.test(content.toString('latin1'))) throw failure
    this.#content = content
    this.#warnings.push('Files can be created, but not overwritten: this storage wants the right to delete for that.')
  }

  async #read(expected: Buffer, range?: { start: number; end: number }): Promise<void> {
    const opened = await this.#storage.read(this.#key, { range, signal: this.#options.signal })
    this.#compare(range === undefined ? 'read' : 'range', await buffer(opened.body), expected)
  }

  async #readAny(key: string | null): Promise<void> {
    try {
      const opened = await this.#storage.read(key ?? this.#key, { signal: this.#options.signal })
      opened.body.on('error', () => {}).destroy()
    } catch (error) {
      // Only somebody who may read is told that there is nothing.
      const isTold = key === null && error instanceof StorageError && error.kind === 'not-found'
      if (!isTold) throw error
    }
  }

  async #readFirstByte(key: string): Promise<void> {
    const opened = await this.#storage.read(key, { range: { start: 0, end: 0 }, signal: this.#options.signal })
    const { length } = await buffer(opened.body)
    const { provider } = this.#storage
    if (length !== 1) throw new StorageError('invalid', 'The storage gave other bytes.', { provider, op: 'range' })
  }

  async #signAny(key: string | null): Promise<void> {
    const path = key ?? this.#key
    const ways = [
      await this.#storage.signRead(path, { ttlSeconds: SIGN_TTL_SECONDS }),
      await this.#words.signedReadHere?.(path, SIGN_TTL_SECONDS),
    ]
    const { provider } = this.#storage
    for (const signed of ways) {
      if (signed === undefined) continue
      const answer = await this.#fetch({ ...signed, headers: { ...signed.headers, range: 'bytes=0-0' } })
      if (answer === null) continue
      if (key === null ? answer.status === 404 : answer.status === 206) return
      throw new StorageError('forbidden', 'The signed address was refused.', { provider, op: 'sign' })
    }
    throw new StorageError('unreachable', 'The signed address cannot be reached.', { provider, op: 'sign' })
  }

  async #sign(): Promise<void> {
    const signed = await this.#storage.signRead(this.#key, { ttlSeconds: SIGN_TTL_SECONDS })
    const here = await this.#words.signedReadHere?.(this.#key, SIGN_TTL_SECONDS)
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

/** What is not even tried where nothing is to be written. */
const READ_ONLY: Readonly<Partial<Record<ProbeName, string>>> = {
  write:
    'Not tried: the driver is read-only. Uploads are refused, and what is made of its files is kept by the server.',
  delete: 'Not tried: the driver is read-only. Nothing is removed from its storage.',
}

/** Reported with its own code, unlike every other thing a storage does not support. */
class FolderIsFile extends StorageError {}
