// What the conformance suite is given of a storage, and what a case of it is.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect } from 'vitest'
import type { Capabilities, Storage } from '#storage/port.ts'
import { expectKind, put } from './storage-calls.ts'

/** A file that is in a storage before the suite begins, as whoever put it there knows it. */
export interface KnownFile {
  readonly key: string
  readonly etag: string
  readonly bytes: Buffer
  readonly contentType: string
}

/** What a provider gives the suite. */
export interface StorageUnderTest {
  /** A bucket that nobody else touches: empty where the storage can write, otherwise with nothing but `files`. */
  readonly storage: Storage
  /** Ways to the bucket that do not lead through the driver. */
  readonly backdoor: {
    /** Whether the provider has a name for this key at all; one it has not must be refused as `unaddressable`. */
    canName(key: string): boolean
    /** The keys there really are. */
    keys(): Promise<string[]>
  }
  close(): Promise<void>
}

/** What a case works on. */
export interface Stage extends StorageUnderTest {
  readonly options: ConformanceOptions
  /** A folder nobody used before. */
  freshFolder(): string
}

/** How much of the suite is tried, and what of a provider no capability tells. */
export interface ConformanceOptions {
  /** Runs of the model test; 60 unless said. Each run is some dozens of requests. */
  readonly modelRuns?: number
  /** Pages that begin behind a key may hold one entry fewer than asked for, where the provider's place to begin is inclusive. */
  readonly hasShortPages?: boolean
  /**
   * Cases that the counterpart itself, not the driver, gets wrong, each with what it does: these must fail, so that the list cannot outlive its reasons. Named as
   * in the table, with the group’s title before the colon.
   */
  readonly faults?: Readonly<Record<string, string>>
  /** Another name under which this run stands in the table of `docs/reference/driver-conformance.md`; null: it is in none. */
  readonly tableName?: string | null
}

/** A capability without which a case cannot be; where it is false, its refusal is asserted in the case's place. */
export type Need = Extract<
  keyof Capabilities,
  'list_after' | 'read_range' | 'write' | 'write_if_absent' | 'remove_if_match' | 'sign_read' | 'sign_write'
>

/** One thing every storage must do. */
export interface ConformanceCase {
  readonly name: string
  readonly needs: readonly Need[]
  readonly timeoutMs?: number
  /** Answers `UNNAMED` where all it could do was to see a key refused that the provider has no name for. */
  run(stage: Stage): Promise<unknown>
}

/** The provider has no name for the key of a case, which was refused as `unaddressable`. */
export const UNNAMED = 'unnamed'

/** What belongs together in the table. */
export interface CaseGroup {
  readonly title: string
  readonly cases: readonly ConformanceCase[]
}

/** One case for each row of a table. */
export function eachCase<T>(
  rows: readonly T[],
  nameOf: (row: T) => string,
  needs: readonly Need[],
  run: (stage: Stage, row: T) => Promise<unknown>,
): ConformanceCase[] {
  return rows.map((row) => ({ name: nameOf(row), needs, run: (stage) => run(stage, row) }))
}

/** What each capability that is false must refuse, and does not even try. */
export const refusals: Readonly<Record<Need, (stage: Stage, key: string) => Promise<void>>> = {
  async list_after({ storage, freshFolder }) {
    const prefix = freshFolder()
    await refused(() => storage.list({ prefix, after: Buffer.from(`${prefix}a`) }))
  },
  async read_range({ storage }, key) {
    await refused(() => storage.read(key, { range: { start: 0, end: 0 } }))
  },
  async write({ storage, backdoor }, key) {
    const before = (await backdoor.keys()).sort()
    await refused(() => storage.write(key, Buffer.from('x'), { sizeBytes: 1 }))
    await refused(() => storage.write(key, Buffer.from('x'), { sizeBytes: 1, ifAbsent: true }))
    await refused(() => storage.remove([key]))
    await refused(async () => storage.signWrite(key, { ttlSeconds: 60 }))
    expect((await backdoor.keys()).sort()).toEqual(before)
    if (!before.includes(key) && backdoor.canName(key)) expect(await storage.stat(key)).toBeNull()
  },
  async write_if_absent({ storage, backdoor }, key) {
    const before = (await backdoor.keys()).sort()
    await refused(() => storage.write(key, Buffer.from('x'), { sizeBytes: 1, ifAbsent: true }))
    expect((await backdoor.keys()).sort()).toEqual(before)
  },
  async remove_if_match({ storage }, key) {
    const written = storage.can.write ? await put(storage, key, 'kept') : null
    await refused(() => storage.remove([key], { ifMatch: written?.etag ?? '0' }))
    if (written !== null) expect(await storage.stat(key)).toMatchObject({ etag: written.etag })
  },
  async sign_read({ storage }, key) {
    await refused(async () => storage.signRead(key, { ttlSeconds: 60 }))
  },
  async sign_write({ storage }, key) {
    await refused(async () => storage.signWrite(key, { ttlSeconds: 60 }))
  },
}

/** Expects `unsupported`, without a request to anybody. */
async function refused(work: () => Promise<unknown>): Promise<void> {
  const sent: string[] = []
  const note = (_: unknown, name: string | symbol) => void sent.push(String(name))
  const channels = ['http.client.request.start', 'undici:request:create', 'net.client.socket']
  for (const channel of channels) subscribe(channel, note)
  try {
    await expectKind(work(), 'unsupported')
  } finally {
    for (const channel of channels) unsubscribe(channel, note)
  }
  expect(sent).toEqual([])
}
