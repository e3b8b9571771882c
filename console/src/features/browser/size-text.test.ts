// Proves that a size is read as people write it, and that what is none is told apart.
import { expect, test } from 'vitest'
import { formatBytes } from '../../ui/format.ts'
import { parseSize } from './size-text.ts'

test('sizes are read with and without units', () => {
  expect(['0', '12', '1.5 MB', '1,5mb', ' 300 kB ', '2tb'].map(parseSize)).toEqual([
    0, 12, 1_500_000, 1_500_000, 300_000, 2e12,
  ])
})

test('a size is read as it is shown', () => {
  const sizes = [0, 1, 10, 999, 1_500, 20_000_000, 3e12, 4e15]
  expect(sizes.map(formatBytes).map(parseSize)).toEqual(sizes)
})

test('what is no size is none', () => {
  expect(['', 'big', '-1', '1.5.2', '1 MiB', '1e3'].map(parseSize)).toEqual(Array(6).fill(null))
})
