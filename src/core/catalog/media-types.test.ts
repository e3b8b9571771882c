// Proves that a file's type follows from the last extension of its name, whatever the case and length, and that odd names are plain bytes.
import { expect, test } from 'vitest'
import type { Db } from '#db/connect.ts'
import { MediaTypes } from './media-types.ts'

/** A table of types in memory: what `media_type` is to a slice. */
function tableOfTypes() {
  const names: string[] = []
  const db = {
    query: async (text: string, values?: readonly unknown[]) => {
      if (text.startsWith('insert'))
        for (const name of values![0] as string[]) if (!names.includes(name)) names.push(name)
      return { rows: names.map((name, index) => ({ name, type_no: index + 1 })) }
    },
  } as unknown as Db
  return { db, nameOf: (number: number) => names[number - 1] }
}

test.each([
  ['photo.jpg', 'image/jpeg'],
  ['PHOTO.JPG', 'image/jpeg'],
  ['a.b.jpeg', 'image/jpeg'],
  ['scan.webp', 'image/webp'],
  ['data.geojson', 'application/geo+json'],
  ['clip.mp4', 'video/mp4'],
  ['noextension', 'application/octet-stream'],
  ['gpj', 'application/octet-stream'],
  ['x.', 'application/octet-stream'],
  ['.jpg', 'image/jpeg'],
  ['weird.ÿÿÿ', 'application/octet-stream'],
  ['name.a-very-long-extension-indeed', 'application/octet-stream'],
])('%s is %s', async (name, type) => {
  const table = tableOfTypes()
  const types = await MediaTypes.load(table.db)
  const bytes = Buffer.from(`folder/${name}`)
  // Twice: once found, once remembered.
  for (let times = 0; times < 2; times++) expect(table.nameOf(types.numberOf(bytes, 7, bytes.length))).toBe(type)
})

test('extensions that share their last bytes are told apart', async () => {
  const table = tableOfTypes()
  const types = await MediaTypes.load(table.db)
  const typeOf = (name: string) => table.nameOf(types.numberOf(Buffer.from(name), 0, Buffer.byteLength(name)))
  expect(typeOf('a.gif')).toBe('image/gif')
  expect(typeOf('a.xgif')).toBe('application/octet-stream')
  expect(typeOf('gif')).toBe('application/octet-stream')
})
