import type { Readable } from 'node:stream'
import type { SkipReason } from '#contract/skip-reasons.ts'

/** The kinds of storage there is a driver for: ours, and those that an operator's modules bring (docs/drivers.md). */
export type ProviderId = 's3' | 'gcs' | 'azure' | 'registry' | 'local' | 'memory' | ModuleType

/** The type of driver that a module brings: never that of one of ours, now or later. */
export type ModuleType = `x-${string}`

/**
 * The name of an object inside its bucket, exactly as the user chose it: bytes, never trimmed, normalised or re-encoded.
 *
 * As text it is the UTF-8 reading of those bytes; keys that are not valid UTF-8 or hold NUL never reach this type (they are counted
 * and shown as skipped). The only way to a key that may be addressed is `addressableKey` in `key.ts`.
 */
export type Key = string

/** One object as a listing or a stat tells it. */
export interface Entry {
  readonly key: Key
  readonly sizeBytes: number
  /** Without quotes; opaque. Equal etags mean equal identity only where the provider says so. */
  readonly etag: string
  readonly modifiedMs: number
  readonly contentType?: string
  readonly versionId?: string
  /** True where reading needs a restore first; left out where the storage does not say. */
  readonly isArchived?: boolean
}

/**
 * A cursor over the entries of a page: bytes first, objects only where someone asks (D11).
 *
 * `next()` moves to the next entry and fills the fields; it answers false after the last. It throws `StorageError('invalid')` as soon as the
 * page contradicts itself (order, prefix, count), so a caller must not commit anything of a page before `next()` has answered false.
 * The byte ranges are valid until the page is released.
 */
export interface EntryCursor {
  /** Holds the key's bytes, decoded. */
  readonly keyBytes: Buffer
  readonly keyStart: number
  readonly keyEnd: number
  /** Holds the etag's ASCII bytes, without quotes. */
  readonly etagBytes: Buffer
  readonly etagStart: number
  readonly etagEnd: number
  readonly sizeBytes: number
  readonly modifiedMs: number
  /** True where the storage says that reading needs a restore first (Glacier and its like). */
  readonly isArchived: boolean
  next(): boolean
}

/** What to list. Ranges are half-open in UTF-8 byte order where `can.list_order` is `utf8`. */
export interface ListQuery {
  /** Bytes every key must start with; `''` for the whole bucket. */
  readonly prefix: Key
  /** List keys after this one (exclusive); needs `can.list_after`. */
  readonly after?: Buffer | undefined
  /** Provider's own token of the page before; valid only within a live run. */
  readonly token?: string | undefined
  /** Fold everything up to the next delimiter into `prefixes`. */
  readonly delimiter?: '/' | undefined
  /** Fewer than the provider's page; for probes. */
  readonly entriesMax?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Something a listing came across and cannot give as an entry; to be counted and shown, never passed over in silence. */
export interface SkippedEntry {
  readonly key: Buffer
  readonly reason: SkipReason
}

/** One answered page. `release()` gives its memory back; after it the cursor must not be touched. */
export interface ListPage {
  readonly entries: EntryCursor
  /** Number of entries, as the provider states it and as the page was checked against. */
  readonly count: number
  /**
   * Key of the last entry, or of what is skipped behind it; null on an empty page. Known before the entries are walked, so that the next
   * request can be sent first.
   */
  readonly lastKey: Buffer | null
  /** Folded prefixes, when a delimiter was given. */
  readonly prefixes: readonly Buffer[]
  /** What stands between the entries but is none: links that leave the folder, pipes, devices. Absent means nothing. */
  readonly skipped?: readonly SkippedEntry[]
  /** Whether more follows. */
  readonly isTruncated: boolean
  /** The provider's token for what follows. */
  readonly token: string | undefined
  release(): void
}

/** Facts about a provider *and* these credentials; what is false is refused with `StorageError('unsupported')`, never found out by crashing. */
export interface Capabilities {
  readonly list_after: boolean
  /** Keys may be listed under a prefix longer than the driver's folder; a folder-limited policy denies that (PM-22). Found out by the check. */
  readonly list_below: boolean
  readonly list_page_max: number
  readonly list_order: 'utf8' | 'none'
  readonly read_range: boolean
  /** False: nothing can be written, removed or signed for writing; then `remove_batch_max` is 0. */
  readonly write: boolean
  readonly write_if_absent: boolean
  readonly write_if_match: boolean
  readonly remove_if_match: boolean
  readonly remove_batch_max: number
  readonly sign_read: boolean
  readonly sign_write: boolean
  /** Longest life of a signed address in seconds. */
  readonly sign_max_seconds: number
}

/** What of an object to read, and on which condition. */
export interface ReadOptions {
  /** First and last byte, both inclusive; `end` left out means to the end. */
  readonly range?: { readonly start: number; readonly end?: number } | undefined
  readonly ifMatch?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** An object opened for reading; destroy `body` when it is not read to its end. */
export interface Opened {
  readonly entry: Entry
  readonly body: Readable
  /** Bytes `body` will give: the range's, or all. */
  readonly bodyBytes: number
}

/** What is to be known before an object is written. */
export interface WriteOptions {
  readonly sizeBytes: number
  readonly contentType?: string | undefined
  /** Refuse with `precondition-failed` when there is an object already. */
  readonly ifAbsent?: boolean | undefined
  /**
   * Told the storage's number of an upload in parts before the first part is sent, so that what a crash leaves can be given up by `abandonUpload`. Not called
   * where the object is written in one piece.
   */
  readonly onPartsStarted?: ((uploadId: string) => Promise<void>) | undefined
  readonly signal?: AbortSignal | undefined
}

/** How keys are removed. */
export interface RemoveOptions {
  /** Remove the one key only if its object still has this entity tag; needs `can.remove_if_match`. Otherwise its outcome is `precondition-failed`. */
  readonly ifMatch?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** Outcome of removing one key; a key that was not there counts as removed. */
export type RemoveOutcome =
  | { readonly key: Key; readonly ok: true }
  | { readonly key: Key; readonly ok: false; readonly error: Error }

/** How long a signed address for reading lives, and what the browser is to be told. */
export interface SignReadOptions {
  readonly ttlSeconds: number
  /** Content type the browser is to see; signed into the address. */
  readonly contentType?: string | undefined
  /** Content disposition the browser is to see; signed into the address. */
  readonly contentDisposition?: string | undefined
}

/** How long a signed address for writing lives, and what it accepts. */
export interface SignWriteOptions {
  readonly ttlSeconds: number
  readonly contentType?: string | undefined
}

/** A request a browser may send by itself. */
export interface SignedRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** When it ends, in milliseconds since 1970; may be earlier than asked, when the credentials end earlier. */
  readonly expiresAtMs: number
}

/** One right as it was really tried, for the driver check. */
export interface Probe {
  readonly name: 'list' | 'write' | 'read' | 'range' | 'sign' | 'delete'
  readonly ok: boolean
  /** True where the failure does not make the driver unusable (delete without allow-delete). */
  readonly optional: boolean
  /** Key of the contract's error table when it failed. */
  readonly code?: string
  /** What failed and what to do, in one or two sentences; free of secrets and of the provider's body. */
  readonly message?: string
  /** What to set right, and where. */
  readonly remedy?: string
  /** The region to use instead, where the storage told it. */
  readonly region?: string
}

/** What the check found: usable only if every probe that is not optional is ok. */
export interface CheckReport {
  readonly ok: boolean
  readonly probes: readonly Probe[]
  readonly capabilities: Capabilities
  /** For example that the folder is empty or does not exist yet. */
  readonly warnings: readonly string[]
}

/** What a check is to try. */
export interface CheckOptions {
  /** Folder of the driver: `''` or a text that ends in `/`. */
  readonly folder: string
  /** Name of the hidden folder the test file is put into; `.dataloop` unless said. */
  readonly hiddenFolder?: string | undefined
  /** Whether the driver is to delete: then the delete probe is not optional. */
  readonly allowDelete: boolean
  /** Nothing is to be written, not even the test file: what cannot be tried then is a limitation. So it is with every storage that cannot write. */
  readonly isReadOnly?: boolean | undefined
  /** A file that was there before is read as well, where there is one: who writes a file may be its owner, and read it without a right to the others. */
  readonly isThorough?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * A bucket, seen through one set of credentials. Drivers do no retrying, metrics or rate limiting: layers do.
 *
 * Errors of every method are `StorageError`s; aborting gives kind `aborted`.
 */
export interface Storage {
  readonly provider: ProviderId
  readonly can: Capabilities
  /** One request, one page. */
  list(query: ListQuery): Promise<ListPage>
  /** Null: it is not there. A 403 is an error, never null. */
  stat(key: Key, options?: { readonly signal?: AbortSignal | undefined }): Promise<Entry | null>
  read(key: Key, options?: ReadOptions): Promise<Opened>
  write(key: Key, body: Readable | Buffer, options: WriteOptions): Promise<Entry>
  /** Gives up an upload in parts that a crash left; nothing happens when there is none any more. Only where `onPartsStarted` is ever called. */
  abandonUpload?(key: Key, uploadId: string): Promise<void>
  /** At most `can.remove_batch_max` keys. */
  remove(keys: readonly Key[], options?: RemoveOptions): Promise<readonly RemoveOutcome[]>
  signRead(key: Key, options: SignReadOptions): SignedRequest | Promise<SignedRequest>
  signWrite(key: Key, options: SignWriteOptions): SignedRequest | Promise<SignedRequest>
  /** Really tries list, write (the test file), read, range read, sign and delete. Never throws for a refused right: it reports it. */
  check(options: CheckOptions): Promise<CheckReport>
  close(): Promise<void>
}
