// Proves that pictures of every format become small ones the right way up, and that bombs, programs and rubbish become none.
import { crc32 } from 'node:zlib'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { makeThumbnail, THUMBNAIL_SIDE } from './picture.ts'

const red = { r: 200, g: 10, b: 10 }
const blank = (width: number, height: number) => sharp({ create: { width, height, channels: 3, background: red } })

test.each(['jpeg', 'png', 'webp', 'tiff', 'gif', 'avif'] as const)('%s', async (format) => {
  const made = await makeThumbnail(await blank(800, 400).toFormat(format).toBuffer())
  expect(made).toMatchObject({ contentType: 'image/jpeg', width: 800, height: 400 })
  expect(await sharp(made.bytes).metadata()).toMatchObject({ width: THUMBNAIL_SIDE, height: THUMBNAIL_SIDE / 2 })
})

test('a small picture is not made larger', async () => {
  const made = await makeThumbnail(await blank(30, 20).png().toBuffer())
  expect(await sharp(made.bytes).metadata()).toMatchObject({ width: 30, height: 20 })
})

test('transparent parts stay transparent', async () => {
  const background = { ...red, alpha: 0.5 }
  const file = sharp({ create: { width: 300, height: 300, channels: 4, background } })
  const made = await makeThumbnail(await file.png().toBuffer())
  expect(made.contentType).toBe('image/png')
  expect((await sharp(made.bytes).metadata()).hasAlpha).toBe(true)
})

test('a turned picture stands upright, and tells its sides as they are stored', async () => {
  const made = await makeThumbnail(await blank(400, 200).withMetadata({ orientation: 6 }).jpeg().toBuffer())
  expect(made).toMatchObject({ width: 400, height: 200, orientation: 6 })
  expect(await sharp(made.bytes).metadata()).toMatchObject({ width: 128, height: 256 })
})

test.each([
  ['text', Buffer.from('hello')],
  ['nothing', Buffer.alloc(0)],
  [
    'a drawing that is a program',
    Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><rect/></svg>'),
  ],
  ['a document', Buffer.from('%PDF-1.4\n%%EOF')],
])('%s has none', async (_, file) => {
  await expect(makeThumbnail(file)).rejects.toMatchObject({ code: 'thumbnail.not_available' })
})

test('half a picture has none', async () => {
  const file = await blank(400, 400).png({ compressionLevel: 0 }).toBuffer()
  await expect(makeThumbnail(file.subarray(0, file.length / 2))).rejects.toMatchObject({
    code: 'thumbnail.not_available',
  })
})

test('a small file of very many pixels has none', async () => {
  const file = await blank(10, 10).png().toBuffer()
  // Width, height and the check sum of the header, which stand at fixed places.
  file.writeUInt32BE(60_000, 16)
  file.writeUInt32BE(60_000, 20)
  file.writeUInt32BE(crc32(file.subarray(12, 29)), 29)
  await expect(makeThumbnail(file)).rejects.toMatchObject({ code: 'thumbnail.not_available' })
})
