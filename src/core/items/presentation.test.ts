// Proves that nothing that could run is shown in place, that the headers stay headers whatever the name, and that the exact name reaches the browser.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { presentationOf } from './presentation.ts'

test('pictures without scripts, sound, video, plain text and PDF are shown; the rest is a download', () => {
  const how = (type: string) => presentationOf(type, 'f').disposition.split(';')[0]
  for (const type of ['image/png', 'image/jpeg', 'video/mp4', 'audio/mpeg', 'text/plain', 'application/pdf'])
    expect(how(type), type).toBe('inline')
  for (const type of [
    'text/html',
    'image/svg+xml',
    'application/xhtml+xml',
    'text/xml',
    'text/javascript',
    'application/octet-stream',
    'text/css',
    'bad type',
  ])
    expect(how(type), type).toBe('attachment')
  expect(presentationOf('text/html\r\nx: y', 'f').contentType).toBe('application/octet-stream')
})

test('whatever is asked for as a download is one', () => {
  expect(presentationOf('image/png', 'f.png', true)).toEqual({
    contentType: 'image/png',
    disposition: 'attachment; filename="f.png"',
  })
})

test('any name makes a header of plain characters, with the name in it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      const { disposition } = presentationOf('image/png', name)
      expect(disposition).toMatch(
        /^inline; filename="[\x20-\x21\x23-\x5b\x5d-\x7e]+"(; filename\*=UTF-8''[\w.!#$&+^`|~%-]+)?$/,
      )
      const exact = /filename\*=UTF-8''(.*)$/.exec(disposition)?.[1]
      const plain = /filename="(.*?)"/.exec(disposition)![1]
      if (name !== '') expect(exact === undefined ? plain : decodeURIComponent(exact)).toBe(name.toWellFormed())
    }),
    { numRuns: 2000 },
  )
})
