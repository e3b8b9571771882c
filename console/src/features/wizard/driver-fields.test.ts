// Proves that a driver's form sends exactly what was typed, clears nothing unasked, and never allows deletion by accident.
import { expect, test } from 'vitest'
import type { Driver } from '#contract/drivers.ts'
import { draftOf, emptyDraft, isDescribed, NO_INTEGRATION, newDriver, payloadOf } from './driver-fields.ts'

const draft = {
  ...emptyDraft('i1'),
  name: 'photos',
  type: 's3',
  texts: { bucketName: 'photos', path: ' A /b', region: '' },
}

test('sends texts as they were typed, and leaves out what is empty', () => {
  expect(newDriver(draft, 'p1')).toEqual({
    name: 'photos',
    type: 's3',
    integrationId: 'i1',
    metadata: { system: { projectId: 'p1' } },
    payload: { bucketName: 'photos', path: ' A /b' },
    allowExternalDelete: false,
  })
})

test('sends only fields of the chosen type', () => {
  const changed = { ...draft, type: 'gcs', texts: { ...draft.texts, bucket: 'other' } }
  expect(payloadOf(changed)).toEqual({ bucket: 'other', path: ' A /b' })
})

test('a read-only storage never allows deletion, whatever was ticked before', () => {
  expect(newDriver({ ...draft, allowDelete: true }, 'p1').allowExternalDelete).toBe(true)
  const readOnly = { ...draft, allowDelete: true, flags: { readOnly: true } }
  expect(newDriver(readOnly, 'p1')).toMatchObject({ allowExternalDelete: false, payload: { readOnly: true } })
  const registry = { ...draft, type: 'registry', allowDelete: true, texts: { server: 'r.example' } }
  expect(newDriver(registry, 'p1').allowExternalDelete).toBe(false)
})

test('a public bucket is said to be read-only and to have no integration', () => {
  const open = newDriver({ ...draft, integrationId: NO_INTEGRATION }, 'p1')
  expect(open).not.toHaveProperty('integrationId')
  expect(open.payload).toMatchObject({ readOnly: true })
})

test('is described once a name, an integration and the place are given', () => {
  expect(isDescribed(draft)).toBe(true)
  expect(isDescribed({ ...draft, name: '' })).toBe(false)
  expect(isDescribed({ ...draft, integrationId: null })).toBe(false)
  expect(isDescribed({ ...draft, texts: { path: 'a' } })).toBe(false)
})

test('a saved driver comes back as it is; a choice that was never made stays unmade', () => {
  const saved = {
    name: 'photos',
    type: 's3',
    integrationId: 'i1',
    bucketName: 'photos',
    path: 'a',
    allowExternalDelete: true,
    proxy: false,
  }
  const again = draftOf(saved as unknown as Driver)
  expect(again).toMatchObject({ name: 'photos', integrationId: 'i1', allowDelete: true })
  expect(payloadOf(again)).toEqual({ bucketName: 'photos', path: 'a', proxy: false })
})
