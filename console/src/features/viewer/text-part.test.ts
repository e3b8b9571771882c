// Proves that bytes become the text they are, also where they are cut.
import { expect, test, vi } from 'vitest'

// The module makes its client for the page it is in.
vi.stubGlobal('location', { origin: 'http://127.0.0.1' })
const { textOf } = await import('./text-part.ts')

const utf8 = (text: string) => new TextEncoder().encode(text)

test('a character that is cut through is left out, and no other', () => {
  expect(textOf(utf8('añ').subarray(0, 2), true)).toEqual({ text: 'a', isCut: true, isBinary: false })
  expect(textOf(utf8('añ'), false).text).toBe('añ')
})

test('UTF-16 is known by its mark, and what has a zero byte is no text', () => {
  expect(textOf(Uint8Array.of(0xff, 0xfe, 0x61, 0), false)).toMatchObject({ text: 'a', isBinary: false })
  expect(textOf(Uint8Array.of(0x61, 0), false).isBinary).toBe(true)
})
