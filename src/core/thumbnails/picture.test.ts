// Proves that pictures of every format become small ones the right way up, and that bombs, programs and rubbish become none.
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
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

test('a width that is asked for is honoured, whatever the height, up to a limit', async () => {
  const sides = async (width: number, height: number, wanted: number) => {
    const made = await makeThumbnail(await blank(width, height).png().toBuffer(), wanted)
    const seen = await sharp(made.bytes).metadata()
    return [seen.width, seen.height]
  }
  expect(await sides(800, 400, 100)).toEqual([100, 50])
  expect(await sides(400, 1200, 200)).toEqual([200, 600])
  expect(await sides(100, 100, 512)).toEqual([100, 100])
  expect(await sides(20, 9_000, 2048)).toEqual([9, 4_096])
})

test('of a picture that moves the first frame is shown', async () => {
  const frames = Buffer.concat([Buffer.alloc(300 * 3, 250), Buffer.alloc(300 * 3, 5)])
  const file = await sharp(frames, { raw: { width: 30, height: 20, channels: 3, pageHeight: 10 } })
    .gif({ delay: [100, 100] })
    .toBuffer()
  expect((await sharp(file, { animated: true }).metadata()).pages).toBe(2)
  const made = await makeThumbnail(file)
  expect(made).toMatchObject({ width: 30, height: 10 })
  expect((await sharp(made.bytes).stats()).channels[0]!.mean).toBeGreaterThan(200)
})

test('colours of 16 bits and of print become those of a screen', async () => {
  const deep = await blank(300, 300).toColourspace('rgb16').png().toBuffer()
  expect((await sharp(deep).metadata()).depth).toBe('ushort')
  const printed = await blank(300, 300).toColourspace('cmyk').jpeg().toBuffer()
  expect((await sharp(printed).metadata()).space).toBe('cmyk')
  for (const file of [deep, printed]) {
    const made = await makeThumbnail(file)
    expect(await sharp(made.bytes).metadata()).toMatchObject({ space: 'srgb', depth: 'uchar', width: 256 })
    const [r, g] = (await sharp(made.bytes).stats()).channels
    expect(r!.mean).toBeGreaterThan(g!.mean + 60)
  }
})

test('a picture of one row of very many pixels is shown', async () => {
  const made = await makeThumbnail(await blank(16_000, 1).png().toBuffer())
  expect(await sharp(made.bytes).metadata()).toMatchObject({ width: 256, height: 1 })
})

test('whatever the bytes are, there is a picture or the error that says so', async () => {
  const whole = await Promise.all([
    blank(64, 64).png().toBuffer(),
    blank(64, 64).jpeg().toBuffer(),
    blank(64, 64).webp().toBuffer(),
    blank(64, 64).tiff().toBuffer(),
    blank(64, 64).gif().toBuffer(),
  ])
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...whole),
      fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 12 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      async (file, changes, kept) => {
        const bytes = Buffer.from(file.subarray(0, Math.ceil(file.length * kept)))
        for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value
        const made = await makeThumbnail(bytes).catch((error: { code?: string }) => error.code)
        if (typeof made === 'object') expect((await sharp(made.bytes).metadata()).width).toBeLessThanOrEqual(256)
        else expect(made).toBe('thumbnail.not_available')
      },
    ),
    { numRuns: 150 },
  )
}, 60_000)
