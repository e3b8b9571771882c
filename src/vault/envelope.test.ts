// Proves that a sealed secret opens only in its own place, unchanged and with its own key, and that failures tell nothing of the content.
import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createEnvelopeVault, VaultError } from './envelope.ts'

const place = { orgId: 'a'.repeat(24), integrationId: 'b'.repeat(24), version: 1 }
const text = JSON.stringify({ key: 'AKIA-canary', secret: 'canary/secret+value' })

describe('envelope vault', () => {
  it('opens what it sealed, whatever the bytes', async () => {
    const vault = createEnvelopeVault([randomBytes(32)])
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 4096 }), async (bytes) => {
        const plaintext = Buffer.from(bytes)
        const opened = await vault.open(place, await vault.seal(place, plaintext))
        expect(opened.equals(plaintext)).toBe(true)
      }),
      { numRuns: 50 },
    )
  })

  it('does not open in another organization, integration or version', async () => {
    const vault = createEnvelopeVault([randomBytes(32)])
    const sealed = await vault.seal(place, Buffer.from(text))
    for (const other of [
      { ...place, orgId: 'c'.repeat(24) },
      { ...place, integrationId: 'c'.repeat(24) },
      { ...place, version: 2 },
      // The same letters, cut elsewhere.
      { ...place, orgId: `${place.orgId}b`, integrationId: place.integrationId.slice(1) },
    ]) {
      await expect(vault.open(other, sealed)).rejects.toMatchObject({ reason: 'not-authentic' })
    }
  })

  it('does not open when any bit of either blob was changed, or its end cut off', async () => {
    const vault = createEnvelopeVault([randomBytes(32)])
    const sealed = await vault.seal(place, Buffer.from(text))
    for (const part of ['wrappedKey', 'sealed'] as const) {
      for (let at = 0; at < sealed[part].length; at++) {
        const changed = Buffer.from(sealed[part])
        changed[at] = changed[at]! ^ (1 << (at % 8))
        await expect(vault.open(place, { ...sealed, [part]: changed })).rejects.toBeInstanceOf(VaultError)
        await expect(vault.open(place, { ...sealed, [part]: sealed[part].subarray(0, at) })).rejects.toBeInstanceOf(
          VaultError,
        )
      }
    }
  })

  it('does not open when the blobs of two secrets are mixed', async () => {
    const vault = createEnvelopeVault([randomBytes(32)])
    const one = await vault.seal(place, Buffer.from(text))
    const two = await vault.seal(place, Buffer.from(text))
    await expect(vault.open(place, { ...one, sealed: two.sealed })).rejects.toMatchObject({ reason: 'not-authentic' })
  })

  it('opens secrets of an older key that is still in the ring, and names the key when it is not', async () => {
    const [older, newer] = [randomBytes(32), randomBytes(32)]
    const sealed = await createEnvelopeVault([Buffer.from(older)]).seal(place, Buffer.from(text))
    const ring = createEnvelopeVault([Buffer.from(newer), Buffer.from(older)])
    expect((await ring.open(place, sealed)).toString()).toBe(text)
    expect((await ring.seal(place, Buffer.from(text))).kekId).not.toBe(sealed.kekId)
    await expect(createEnvelopeVault([newer]).open(place, sealed)).rejects.toThrow(sealed.kekId)
  })

  it('says so when a version was destroyed', async () => {
    const vault = createEnvelopeVault([randomBytes(32)])
    const { kekId } = await vault.seal(place, Buffer.from(text))
    const gone = { kekId, wrappedKey: Buffer.alloc(0), sealed: Buffer.alloc(0) }
    await expect(vault.open(place, gone)).rejects.toMatchObject({ reason: 'destroyed' })
  })

  it('shows neither key nor content in a failure, a dump or the vault itself', async () => {
    const key = randomBytes(32)
    const [hex, base64] = [key.toString('hex'), key.toString('base64')]
    const vault = createEnvelopeVault([key])
    expect(key.every((byte) => byte === 0)).toBe(true)
    const sealed = await vault.seal(place, Buffer.from(text))
    const failure = await vault.open({ ...place, version: 9 }, sealed).catch((error: unknown) => error)
    for (const shown of [
      inspect(failure, { depth: 9, showHidden: true }),
      inspect(vault, { depth: 9 }),
      JSON.stringify(vault),
    ]) {
      for (const secret of ['canary', hex, base64]) expect(shown).not.toContain(secret)
    }
    expect(Buffer.concat([sealed.wrappedKey, sealed.sealed]).toString('latin1')).not.toContain('canary')
  })

  it('refuses keys of another length', () => {
    expect(() => createEnvelopeVault([randomBytes(16)])).toThrow('32 bytes')
    expect(() => createEnvelopeVault([])).toThrow()
  })
})
