// Proves what patterns mean: every kind of glob and expression, agreement with a naive reader, faults with their place, and bounded time for evil ones.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AppError } from '#lib/app-error.ts'
import { compilePatterns, type PatternRule, syncSettingsOf } from './patterns.ts'

const glob = (pattern: string): PatternRule => ({ kind: 'glob', pattern })
const regex = (pattern: string): PatternRule => ({ kind: 'regex', pattern })

/** Whether one rule takes a path. */
function takes(rule: PatternRule, path: string): boolean {
  return compilePatterns({ include: [rule], exclude: [] })!.refusal(path) === null
}

describe('a glob', () => {
  test.each<[string, readonly string[], readonly string[]]>([
    // Without a slash: the name, in every folder.
    ['a.jpg', ['a.jpg', 'x/a.jpg', 'x/y/a.jpg', '/a.jpg'], ['a.jpeg', 'ba.jpg', 'a.jpg/x', 'x/a.jpg2', 'A.JPG']],
    [
      '*.jpg',
      ['.jpg', 'a.jpg', 'x/é 日本.jpg', 'a.b.jpg', 'x.d/.jpg'],
      ['a.jpgx', 'a.jpg/b', 'jpg', 'a.JPG', 'x.jpg/y.png'],
    ],
    ['*.tar.gz', ['a.tar.gz', 'x/.tar.gz'], ['a.gz', 'a.tar', 'tar.gz']],
    ['*_thumb', ['a_thumb', 'x/_thumb'], ['a_thumb.jpg', 'a_thumb/b']],
    ['a*', ['a', 'ab', 'x/a.jpg', '.x/ab'], ['ba', 'a/b']],
    ['*a*b*', ['ab', 'xaxbx', 'd/aab'], ['ba', 'a', 'a/b']],
    ['?.jpg', ['a.jpg', '😀.jpg', 'x/é.jpg'], ['.jpg', 'ab.jpg']],
    ['.*', ['.git', 'x/.hidden'], ['a.b', '.git/config']],
    ['*', ['a', 'a/b/c', '.x'], []],
    ['**', ['a', 'a/b/c', '.x'], []],
    // With a slash: from the driver's folder on.
    ['/a.jpg', ['a.jpg'], ['x/a.jpg', '/a.jpg']],
    ['raw/*.tif', ['raw/a.tif', 'raw/.tif'], ['a.tif', 'raw/x/a.tif', 'x/raw/a.tif']],
    ['raw/a.tif', ['raw/a.tif'], ['x/raw/a.tif', 'raw/a.tif/x']],
    ['*/a', ['x/a', '.x/a'], ['a', 'x/y/a']],
    ['raw/**', ['raw/a', 'raw/x/y'], ['raw', 'x/raw/a', 'rawer/a']],
    ['raw/**/a', ['raw/a', 'raw/x/a', 'raw/x/y/a'], ['raw/xa', 'rawa', 'x/raw/a']],
    ['**/raw/*.tif', ['raw/a.tif', 'x/y/raw/a.tif'], ['raw/x/a.tif', 'xraw/a.tif']],
    ['**/a.jpg', ['a.jpg', 'x/y/a.jpg'], ['xa.jpg']],
    ['**/x/**', ['x/a', 'b/x/a'], ['x', 'bx/a', 'a/x']],
    ['**/**/x/**/**', ['x/a', 'b/x/a'], ['x', 'xa/b']],
    ['a**b', ['ab', 'axxb', 'd/ab'], ['a/b']],
    ['x//a', ['x//a'], ['x/a']],
    // With a slash at the end: all below that folder.
    ['tmp/', ['tmp/a', 'x/tmp/a/b', 'tmp//a'], ['tmp', 'x/tmp', 'xtmp/a', 'tmpx/a', 'TMP/a']],
    ['/tmp/', ['tmp/a', 'tmp/x/a'], ['x/tmp/a', 'tmp']],
    ['a/b/', ['a/b/c', 'a/b/c/d'], ['x/a/b/c', 'a/b', 'a/bc/d']],
    ['202?-*/', ['2026-01/a', 'x/2025-/a/b'], ['2026-01', '202-1/a']],
    ['//', ['/a', '/a/b'], ['a', 'a//b']],
    // Classes and braces.
    ['[abc].x', ['a.x', 'c.x', 'd/b.x'], ['d.x', 'ab.x', '.x']],
    ['[a-c0].x', ['b.x', '0.x'], ['-.x', 'd.x']],
    ['[!a-c].x', ['d.x', '-.x', 'z/é.x'], ['a.x', 'b.x']],
    ['[^a].x', ['b.x', '^.x'], ['a.x']],
    ['x[!a]y', ['xby'], ['x/y', 'xay']],
    ['x[.-0]y', ['x.y', 'x0y'], ['x/y']],
    ['[]a]x', [']x', 'ax'], ['bx']],
    ['[a-]x', ['-x', 'ax'], ['bx']],
    ['[\\]\\-b]x', [']x', '-x', 'bx'], ['ax']],
    ['[à-ü😀]x', ['éx', '😀x'], ['ex']],
    ['*.{jpg,jpeg}', ['a.jpg', 'x/a.jpeg'], ['a.{jpg,jpeg}', 'a.png']],
    ['{a,b/c}/*.x', ['a/1.x', 'b/c/1.x'], ['b/1.x', 'x/a/1.x']],
    ['{a{1,2},b}', ['a1', 'x/a2', 'b'], ['a', 'a12']],
    ['a{,.x}', ['a', 'a.x'], ['a.']],
    ['{tmp/,*.x}', ['tmp/a', 'x/tmp/b', 'a.x'], ['tmp', 'x']],
    // What is special elsewhere is a character here, and a backslash takes the next one as it is.
    ['a+(b)^$|.x', ['a+(b)^$|.x'], ['aab', 'a+(b)^$|zx']],
    ['#a', ['#a'], ['a']],
    [' a ', [' a '], ['a']],
    ['\\*', ['*', 'x/*'], ['a']],
    ['\\!a', ['!a'], ['a']],
    ['\\{a,b\\}', ['{a,b}'], ['a']],
    ['a\\/b', ['a/b'], ['a\\/b', 'x/a/b']],
    ['a\\\\b', ['a\\b'], ['ab']],
    ['%41+b?c', ['%41+b&c'], ['A b&c']],
    ['e\u0301', ['e\u0301'], ['\u00e9']],
    ['a*b', ['a\nb', 'a\u0001b'], []],
  ])('%s', (pattern, yes, no) => {
    for (const path of yes) expect([path, takes(glob(pattern), path)]).toEqual([path, true])
    for (const path of no) expect([path, takes(glob(pattern), path)]).toEqual([path, false])
  })

  test('agrees with a naive reader on every small pattern and path', () => {
    const segment = fc.array(fc.constantFrom('a', 'b', '.', '*', '?', '[ab]', '[!a]'), { minLength: 1, maxLength: 4 })
    const pattern = fc
      .tuple(
        fc.boolean(),
        fc.array(
          fc.oneof(
            fc.constant('**'),
            segment.map((parts) => parts.join('')),
          ),
          { minLength: 1, maxLength: 4 },
        ),
        fc.boolean(),
      )
      .map(([opens, parts, ends]) => `${opens ? '/' : ''}${parts.join('/')}${ends ? '/' : ''}`)
    const path = fc
      .array(fc.array(fc.constantFrom('a', 'b', '.'), { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 })
      .map((parts) => parts.map((part) => part.join('')).join('/'))
    fc.assert(
      fc.property(pattern, fc.array(path, { minLength: 1, maxLength: 8 }), (text, paths) => {
        const compiled = compilePatterns({ include: [glob(text)], exclude: [] })!
        for (const each of paths)
          expect([text, each, compiled.refusal(each) === null]).toEqual([text, each, naive(text, each)])
      }),
      { numRuns: 1500 },
    )
  })
})

/** The meaning of globs written down a second time, without a thought for speed. */
function naive(pattern: string, path: string): boolean {
  const parts = pattern.split('/')
  const ends = parts.at(-1) === '' ? parts.pop() : undefined
  const isAnchored = parts.length > 1
  if (parts[0] === '') parts.shift()
  return fits([...(isAnchored ? [] : ['**']), ...parts, ...(ends === undefined ? [] : ['**'])], path.split('/'))
}

function fits(parts: readonly string[], segments: readonly string[]): boolean {
  const [part, ...others] = parts
  if (part === undefined) return segments.length === 0
  // At the end it stands for what is inside a folder, which is one segment at least.
  if (part === '**' && others.length === 0) return segments.length > 0
  if (part === '**') return fits(others, segments) || (segments.length > 0 && fits(parts, segments.slice(1)))
  return segments.length > 0 && fitsText(part, segments[0]!) && fits(others, segments.slice(1))
}

function fitsText(part: string, text: string): boolean {
  if (part === '') return text === ''
  if (part.startsWith('*')) return fitsText(part.slice(1), text) || (text !== '' && fitsText(part, text.slice(1)))
  if (text === '') return false
  if (part.startsWith('[!a]')) return text[0] !== 'a' && fitsText(part.slice(4), text.slice(1))
  if (part.startsWith('[ab]')) return 'ab'.includes(text[0]!) && fitsText(part.slice(4), text.slice(1))
  return (part[0] === '?' || part[0] === text[0]) && fitsText(part.slice(1), text.slice(1))
}

describe('an expression', () => {
  test.each<[string, readonly string[], readonly string[]]>([
    ['\\.jpg$', ['a.jpg', 'x/a.jpg'], ['a.jpg/b', 'A.JPG', 'ajpg', 'a.jpg\n']],
    ['(?i)\\.jpe?g$', ['a.JPG', 'a.jpEg'], ['a.png']],
    ['^raw/', ['raw/a'], ['x/raw/a', 'raw']],
    ['^private/.*$', ['private/a\nb'], ['x']],
    ['^.$', ['😀', 'é'], ['ab', 'e\u0301']],
    ['\\d{4}-\\d{2}/', ['2026-11/a'], ['2026-1/a']],
    ['^\\p{Greek}+$', ['αβγ'], ['abc']],
  ])('%s', (pattern, yes, no) => {
    for (const path of yes) expect([path, takes(regex(pattern), path)]).toEqual([path, true])
    for (const path of no) expect([path, takes(regex(pattern), path)]).toEqual([path, false])
  })

  test('agrees with JavaScript’s own engine where both know the syntax, alone and among others', () => {
    const atom = fc.constantFrom('a', 'b', '/', '.', '[ab]', '[^a]', '(?:ab|b)', '(?:a|/b)')
    const times = fc.constantFrom('', '*', '+', '?', '{1,2}')
    const expression = fc
      .tuple(
        fc.constantFrom('', '^'),
        fc.array(fc.tuple(atom, times), { minLength: 1, maxLength: 4 }),
        fc.constantFrom('', '$'),
      )
      .map(([start, parts, end]) => start + parts.map((part) => part.join('')).join('') + end)
    const path = fc
      .array(fc.constantFrom('a', 'b', '/', 'c'), { minLength: 1, maxLength: 8 })
      .map((all) => all.join(''))
    fc.assert(
      fc.property(
        fc.array(expression, { minLength: 1, maxLength: 5 }),
        fc.array(path, { minLength: 1, maxLength: 8 }),
        (sources, paths) => {
          const exclude = sources.map(regex)
          const compiled = compilePatterns({ include: [], exclude })!
          for (const each of paths) {
            const first = sources.findIndex((source) => new RegExp(source, 's').test(each))
            expect([sources, each, compiled.refusal(each)]).toEqual([sources, each, exclude[first] ?? null])
          }
        },
      ),
      { numRuns: 1000 },
    )
  })
})

describe('the two lists', () => {
  test('nothing is filtered without patterns', () => {
    expect(compilePatterns({ include: [], exclude: [] })).toBeNull()
  })

  test('what is kept out is kept out, whatever else takes it; the first rule that holds is named', () => {
    const exclude = [glob('tmp/'), glob('*.jpg'), regex('^x/'), glob('x/a*'), glob('**')]
    const compiled = compilePatterns({ include: [glob('*.jpg')], exclude: exclude.slice(0, 4) })!
    expect(compiled.refusal('tmp/a.jpg')).toBe(exclude[0])
    expect(compiled.refusal('x/a.jpg')).toBe(exclude[1])
    expect(compiled.refusal('x/a.png')).toBe(exclude[2])
    expect(compiled.refusal('a.png')).toBe('not-included')
    expect(compilePatterns({ include: [], exclude })!.refusal('b.png')).toBe(exclude[4])
    expect(compilePatterns({ include: [glob('*.jpg')], exclude: [] })!.refusal('b.jpg')).toBeNull()
  })

  test('order decides between all kinds of rules', () => {
    const kinds = ['a.x', '*.x', '*a.x', '/d/a.x', 'd/', '/d/', 'd/*', '*', 'd/**/a.x'].map(glob)
    fc.assert(
      fc.property(fc.shuffledSubarray([...kinds, regex('a')], { minLength: 1 }), (exclude) => {
        expect(compilePatterns({ include: [], exclude })!.refusal('d/a.x')).toBe(exclude[0])
      }),
      { numRuns: 300 },
    )
  })
})

describe('faults', () => {
  const faultsOf = (include: readonly PatternRule[], exclude: readonly PatternRule[] = []) => {
    try {
      compilePatterns({ include, exclude })
    } catch (error) {
      expect(error).toBeInstanceOf(AppError)
      expect(error).toMatchObject({ code: 'patterns.invalid', status: 400 })
      return (error as AppError).details as { path: string; message: string }[]
    }
    return []
  }

  test.each<[PatternRule, string]>([
    [glob(''), 'empty'],
    [glob('/'), 'alone'],
    [glob('{a,}'), 'empty'],
    [glob('!a'), '“!” in front'],
    [glob('[ab'), '“[” is not closed'],
    [glob('[]'), '“[” is not closed'],
    [glob('[b-a]'), 'backwards'],
    [glob('[a/b]'), 'slash'],
    [glob('[[:digit:]]'), '[0-9]'],
    [glob('{a,b'), '“{” is not closed'],
    [glob('{a}'), 'comma'],
    [glob('{1..9}'), 'ranges'],
    [glob('a}'), 'closes nothing'],
    [glob('{a,b}'.repeat(7)), 'more than 64'],
    [glob('a\\'), 'backslash'],
    [glob('x'.repeat(1001)), 'longer than 1000'],
    [glob('\ud800'), 'half a character'],
    [regex(''), 'empty'],
    [regex('(a'), 'missing closing )'],
    [regex('a)'), ')'],
    [regex('(?=a)b'), 'unsupported'],
    [regex('(?<=a)b'), 'invalid'],
    [regex('(a)\\1'), 'escape'],
    [regex('*a'), 'repetition'],
    [regex('a{1001}'), 'repeat count'],
    [regex(`(?:${'abcdefghij'.repeat(50)}){1000}`), 'steps'],
    [regex('((((a{9}){9}){9}){9})'), 'steps'],
    [regex('(?:a?){400}a{400}'), 'steps'],
    [regex(`\\Q[\\E(?:${'abcdefghij'.repeat(50)}){1000}]`), 'steps'],
  ])('%j is refused', (rule, message) => {
    const [fault, ...others] = faultsOf([glob('ok')], [rule])
    expect([fault?.path, others]).toEqual(['exclude.0.pattern', []])
    expect(fault?.message).toContain(message)
  })

  test('are told of any text whatsoever, and nothing else is thrown', () => {
    const special = fc.string({ unit: fc.constantFrom(...'ab/*?[]{}(),\\^$|.-+!:1290QEpPx<=iP'), maxLength: 24 })
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), special), (pattern) => {
        for (const rule of [glob(pattern), regex(pattern)])
          if (faultsOf([rule]).length === 0) expect(takes(rule, 'a/b')).toBeTypeOf('boolean')
      }),
      { numRuns: 3000 },
    )
  })

  test('all of them are told at once, each with its place', () => {
    const faults = faultsOf([glob('ok'), glob('[')], [regex('('), glob('ok'), regex('[')])
    expect(faults.map((fault) => fault.path)).toEqual(['include.1.pattern', 'exclude.0.pattern', 'exclude.2.pattern'])
  })

  test('so are too many patterns, and patterns that are too large together', () => {
    const many = Array.from({ length: 60 }, (_, n) => glob(`*.${n}`))
    expect(faultsOf(many)).toEqual([])
    expect(faultsOf(many, many)).toHaveLength(1)
    const large = Array.from({ length: 20 }, (_, n) => regex(`x{${400 + n}}y`))
    expect(faultsOf(large)[0]?.message).toContain('together')
  })

  test('ordinary repetitions are not', () => {
    for (const source of [
      '^\\d{4}-\\d{2}-\\d{2}T\\d{2}\\d{2}\\d{2}Z/[0-9a-f]{64}\\.(?:jpg|png)$',
      '^(?:[^/]{1,40}/){0,4}x$',
    ])
      expect(faultsOf([regex(source)])).toEqual([])
  })
})

test('patterns that defeat engines that go back are through long paths at once', () => {
  // A backtracking engine would not come back from any of these; ours is done with all of them long before a test is given up.
  const evil = [
    '(a+)+$',
    '(a|aa)+$',
    '(a|a?)+$',
    '(.*)(.*)(.*)(.*)(.*)[^a]$',
    '(x+x+)+y',
    '^(([a-z])+.)+[A-Z]([a-z])+$',
    '(?:a?){150}a{150}',
  ]
  evil.push('(.*a){30}$', '\\b(\\w+\\s*)+$', '[ab]*a[ab]{200}c$')
  const evilGlobs = [`${'*a'.repeat(60)}b`, `${'**/a/'.repeat(60)}b`, '*?'.repeat(60), `{${'*a,'.repeat(60)}*b}c`]
  const text = (n: number) => Array.from({ length: n }, (_, at) => ((at * 7919) % 13 < 6 ? 'a' : 'b')).join('')
  const paths = [`${'a'.repeat(1023)}!`, `${'a/'.repeat(2047)}c`, 'x'.repeat(4095), text(1024), 'word '.repeat(800)]
  for (const rule of [...evil.map(regex), ...evilGlobs.map(glob)]) {
    const compiled = compilePatterns({ include: [rule], exclude: [] })!
    for (const path of paths) expect(compiled.refusal(path)).toBeOneOf([null, 'not-included'])
  }
})

test('settings that were never made are those of a dataset that takes everything', () => {
  const nothing = { include: [], exclude: [], matchMoved: false, rescan: null }
  for (const options of [null, {}, { sync: {} }, { indexDriver: 'v1' }])
    expect(syncSettingsOf(options)).toEqual(nothing)
  const given = {
    include: [glob('a')],
    exclude: [regex('b')],
    matchMoved: true,
    rescan: { everyMinutes: 5, mode: 'sync' as const },
  }
  expect(syncSettingsOf({ sync: { ...given, editorId: 'x' } })).toEqual(given)
})
