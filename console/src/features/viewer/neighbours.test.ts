// Proves that next and previous walk a view in its own order, whatever it is sorted by and however many items are alike in that.
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import type { Item } from '#contract/items.ts'
import type { BrowserSearch } from '../../app/view-search.ts'

// The module makes its client for the page it is in.
vi.stubGlobal('location', { origin: 'http://127.0.0.1' })
const { neighbourQuery, viewOf } = await import('./neighbours.ts')

interface Row {
  readonly id: string
  readonly name: string
  readonly size: number
  readonly createdAt: string
  readonly modified: string | null
}

const itemOf = (row: Row) =>
  ({
    id: row.id,
    name: row.name,
    dir: '/',
    createdAt: row.createdAt,
    metadata: { system: { size: row.size, storage: { modified: row.modified } } },
  }) as unknown as Item

type Value = string | number | null
const compare = (a: Value, b: Value) => (a === b ? 0 : a === null ? -1 : b === null ? 1 : a < b ? -1 : 1)

/** Whether a row fulfils a condition, as docs/reference/query-language.md says; fields that rows do not have hold. */
function holds(row: Row, condition: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(condition).every(([field, test]) => {
    if (field === '$and') return (test as never[]).every((each) => holds(row, each))
    if (field === '$or') return (test as never[]).some((each) => holds(row, each))
    if (!(field in row)) return true
    const value = row[field as keyof Row]
    // The server refuses to be asked whether an item was never made.
    if (test === null && field === 'createdAt') throw new Error('give a date')
    if (test === null) return value === null
    const [operator, operand] = Object.entries(test as object)[0] as [string, Value]
    if (operator === '$exists') return (value !== null) === Boolean(operand)
    if (operator === '$in') return (operand as unknown as Value[]).includes(value)
    return value !== null && (operator === '$gt' ? compare(value, operand) > 0 : compare(value, operand) < 0)
  })
}

function first(rows: readonly Row[], query: ReturnType<typeof neighbourQuery>): Row | undefined {
  const keys = Object.entries(query.sort) as [keyof Row, string][]
  const order = (a: Row, b: Row) =>
    keys.map(([key, way]) => compare(a[key], b[key]) * (way === 'ascending' ? 1 : -1)).find((each) => each !== 0) ?? 0
  return rows.filter((row) => holds(row, query.filter)).sort(order)[0]
}

const rows = fc
  .array(
    fc.record({
      name: fc.constantFrom('a', 'b*', 'c'),
      size: fc.integer({ min: 0, max: 2 }),
      createdAt: fc.constantFrom('2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z'),
      modified: fc.constantFrom(null, '2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z'),
    }),
    { minLength: 1, maxLength: 9 },
  )
  .map((list) => list.map((row, index) => ({ ...row, id: String(index).padStart(24, '0') })))

test('from the first item on, next meets every item once and in order, and previous leads back', () => {
  fc.assert(
    fc.property(
      rows,
      fc.constantFrom(undefined, 'name', 'size', 'createdAt', 'modified'),
      fc.boolean(),
      (list, sort, descending) => {
        const search = { ...(sort && { sort }), descending } as BrowserSearch
        const ordered = [...list].sort(
          (a, b) =>
            (sort === undefined ? 0 : compare(a[sort as keyof Row], b[sort as keyof Row]) * (descending ? -1 : 1)) ||
            compare(a.id, b.id),
        )
        for (const [index, row] of ordered.entries()) {
          expect(first(list, neighbourQuery(itemOf(row), search, 'next'))).toEqual(ordered[index + 1])
          expect(first(list, neighbourQuery(itemOf(row), search, 'previous'))).toEqual(ordered[index - 1])
        }
      },
    ),
  )
})

test('an item outside of the view of the address is shown among the files beside it', () => {
  expect(viewOf({ dir: '/a/b' }, { name: 'x' })).toEqual({ dir: '/a/b' })
  expect(viewOf({ dir: '/a/b' }, { dir: '/a', deep: true, name: 'x' })).toEqual({ dir: '/a', deep: true, name: 'x' })
  expect(viewOf({ dir: '/ab' }, { dir: '/a', deep: true })).toEqual({ dir: '/ab' })
})
