import { randomBytes } from 'node:crypto'
import type { DbPool } from '#db/connect.ts'
import type { Deps } from '../deps.ts'

const place = { orgId: 'server', integrationId: 'signing-key', version: 1 } as const

interface KeptKey {
  readonly kekId: string
  readonly wrappedKey: string
  readonly sealed: string
}

const keys = new WeakMap<DbPool, Promise<Uint8Array>>()

/**
 * The key that signs this server's tokens: 32 random bytes, made at first use, sealed by the vault and kept in the database, so that all processes
 * share it and a dump of the database alone forges nothing.
 */
export function signingKey(deps: Deps): Promise<Uint8Array> {
  let key = keys.get(deps.db)
  if (key === undefined) {
    key = loadKey(deps)
    keys.set(deps.db, key)
    // A failed load (database away for a moment) must not stay for ever.
    key.catch(() => keys.delete(deps.db))
  }
  return key
}

async function loadKey(deps: Deps): Promise<Uint8Array> {
  const kept = (await readKey(deps)) ?? (await makeKey(deps))
  return await deps.vault.open(place, {
    kekId: kept.kekId,
    wrappedKey: Buffer.from(kept.wrappedKey, 'base64'),
    sealed: Buffer.from(kept.sealed, 'base64'),
  })
}

async function readKey(deps: Deps): Promise<KeptKey | undefined> {
  const { rows } = await deps.db.query<{ value: KeptKey }>(
    `select value from server_setting where name = 'signing-key'`,
  )
  return rows[0]?.value
}

async function makeKey(deps: Deps): Promise<KeptKey> {
  const secret = await deps.vault.seal(place, randomBytes(32))
  const kept: KeptKey = {
    kekId: secret.kekId,
    wrappedKey: secret.wrappedKey.toString('base64'),
    sealed: secret.sealed.toString('base64'),
  }
  // Two processes may start at once: the first row stays, and both use it.
  await deps.db.query(
    `insert into server_setting (name, value) values ('signing-key', $1) on conflict (name) do nothing`,
    [JSON.stringify(kept)],
  )
  return (await readKey(deps)) ?? kept
}
