// Proves that the house rules hold in every file: who imports whom, file sizes, where the environment and provider SDKs are touched, docstrings.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { routes } from '#contract/routes.ts'
import { handlers } from '../src/http/handlers.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const LINES_MAX = 400
/** Suites are lists of cases; they may be longer. */
const TEST_LINES_MAX = 600

/** Rank of each folder of `src`; a file may import its own folder and lower ranks. Kits and edges never import one another. */
const ranks: Readonly<Record<string, number>> = {
  contract: 0,
  lib: 1,
  // These two may use lib, and nothing else of their rank.
  config: 1.5,
  client: 1.5,
  storage: 2,
  db: 2,
  vault: 2,
  queue: 2,
  core: 3,
  http: 4,
  jobs: 4,
  cli: 4,
  demo: 4,
}
const ROOT_RANK = 5

/** Folders of `core`, in the order in which they may build on one another. */
const coreOrder = [
  'access',
  'settings',
  'quota',
  'notifications',
  'commands',
  'recipes',
  'integrations',
  'drivers',
  'datasets',
  'patterns',
  'catalog',
  'objects',
  'items',
  'annotations',
  'uploads',
  'thumbnails',
  'features',
  'clones',
  'exports',
  'hints',
  'sync',
  'explain',
]

interface Source {
  /** From the repository's root, with forward slashes. */
  readonly path: string
  readonly text: string
  readonly imports: readonly { readonly specifier: string; readonly isTypeOnly: boolean }[]
}

function walk(folder: string): Source[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/[\\/]node_modules([\\/]|$)/.test(relative(root, entry.parentPath)))
    .filter((entry) => /\.(m?[tj]s|tsx)$/.test(entry.name))
    .map((entry) => {
      const path = relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/')
      const text = readFileSync(join(root, path), 'utf8')
      const found = text.matchAll(
        /^\s*(import|export)\s+(type\s)?(?:[^'"`;]*?\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm,
      )
      const imports = [...found].map((match) => ({
        specifier: (match[3] ?? match[4])!,
        isTypeOnly: match[2] !== undefined,
      }))
      return { path, text, imports }
    })
}

const src = walk('src')
const isTest = (path: string) => /\.test\.ts$/.test(path)
const production = src.filter(({ path }) => !isTest(path))
const console = walk('console/src')
const everything = [...src, ...console, ...walk('test'), ...walk('bench'), ...walk('bin')]

/** The file of ours that an import leads to, from the root; null for packages. */
function target(from: string, specifier: string): string | null {
  if (specifier.startsWith('#test/')) return `test/${specifier.slice(6)}`
  if (specifier.startsWith('#')) return `src/${specifier.slice(1)}`
  if (specifier.startsWith('.')) return join(dirname(from), specifier).replaceAll('\\', '/')
  return null
}

const folderOf = (path: string) => path.split('/')[1]!
const rankOf = (path: string) => (path.split('/').length === 2 ? ROOT_RANK : ranks[folderOf(path)])

describe('imports', () => {
  test('every folder of src has a rank', () => {
    expect(production.filter(({ path }) => rankOf(path) === undefined).map(({ path }) => path)).toEqual([])
  })

  test('go to lower ranks only; kits and edges do not import one another', () => {
    const wrong: string[] = []
    for (const { path, imports } of production) {
      for (const { specifier } of imports) {
        const to = target(path, specifier)
        if (to === null || (to.startsWith('src/') && to.split('/').length > 2 && folderOf(to) === folderOf(path)))
          continue
        if (!to.startsWith('src/')) wrong.push(`${path} imports ${to}, which is not part of the product`)
        else if (rankOf(path) !== ROOT_RANK && rankOf(to)! >= rankOf(path)!) wrong.push(`${path} imports ${to}`)
      }
    }
    expect(wrong).toEqual([])
  })

  test('inside core follow the order of its folders, and use a folder’s public file only', () => {
    const wrong: string[] = []
    const place = (path: string) => (path.split('/').length > 3 ? path.split('/')[2]! : null)
    for (const { path, imports } of production) {
      for (const { specifier } of imports) {
        const to = target(path, specifier)
        if (to === null || !to.startsWith('src/core/')) continue
        const [mine, theirs] = [path.startsWith('src/core/') ? place(path) : null, place(to)]
        if (theirs === null || mine === theirs) continue
        if (to !== `src/core/${theirs}/${theirs}.ts`) wrong.push(`${path} imports ${to}, not ${theirs}/${theirs}.ts`)
        if (!coreOrder.includes(theirs)) wrong.push(`${theirs} has no place in core's order`)
        if (mine !== null && coreOrder.indexOf(theirs) >= coreOrder.indexOf(mine))
          wrong.push(`${path} imports ${to}, which comes later`)
      }
    }
    expect(wrong).toEqual([])
  })

  test('provider SDKs are touched below storage/<provider> only, lazily or not', () => {
    const sdk = /^(@aws-sdk|@smithy|@google-cloud|@azure)\//
    const wrong = production.filter(
      ({ path, imports }) =>
        !/^src\/storage\/[^/]+\//.test(path) && imports.some(({ specifier }) => sdk.test(specifier)),
    )
    expect(wrong.map(({ path }) => path)).toEqual([])
  })

  test('of the console are the client and the types of the contract; its features do not know of one another', () => {
    const wrong: string[] = []
    const featureOf = (path: string) => /^console\/src\/features\/([^/]+)\//.exec(path)?.[1]
    for (const { path, imports } of console) {
      for (const { specifier, isTypeOnly } of imports) {
        const to = target(path, specifier)
        if (to?.startsWith('src/') === true) {
          // Tests do not get there.
          if (isTest(path)) continue
          // The contract's schemas would bring their library into the browser.
          const isFit = to.startsWith('src/client/') || (to.startsWith('src/contract/') && isTypeOnly)
          if (!isFit) wrong.push(`${path} imports ${to}`)
        } else if (to !== null && featureOf(path) !== undefined) {
          const other = featureOf(to)
          const isOwn = other === undefined ? /\/(ui|app|i18n)\//.test(to) : other === featureOf(path)
          if (!isOwn) wrong.push(`${path} imports ${to}`)
        }
      }
    }
    expect(wrong).toEqual([])
  })

  test('of our own files name the file with its ending', () => {
    const wrong = everything.flatMap(({ path, imports }) =>
      imports
        .filter(({ specifier }) => /^[.#]/.test(specifier) && !/\.(m?[tj]s|tsx|json|css)$/.test(specifier))
        .map(({ specifier }) => `${path}: ${specifier}`),
    )
    expect(wrong).toEqual([])
  })
})

describe('files', () => {
  test(`have at most ${LINES_MAX} lines, suites of tests ${TEST_LINES_MAX}`, () => {
    const long = everything
      .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
      .filter(({ path, lines }) => lines > (/\.(test|suite)\.ts$/.test(path) ? TEST_LINES_MAX : LINES_MAX))
    expect(long).toEqual([])
  })

  test('have no default export, and none only hands on others’ exports', () => {
    // Vitest loads its configuration and reporters by their default export. A core folder's public file may be a list of names.
    const allowed = /^((test\/mutants\/)?vitest\.config\.ts|test\/(support|mutants)\/reporter\.ts)$/
    expect(
      everything
        .filter(({ path, text }) => /^export default/m.test(text) && !allowed.test(path))
        .map(({ path }) => path),
    ).toEqual([])
    const isBarrel = ({ path, text }: Source) => /^export \*/m.test(text) || /\/index\.ts$/.test(path)
    expect(everything.filter(isBarrel).map(({ path }) => path)).toEqual([])
  })

  test('have names that say something', () => {
    const vague = /(^|\/)(utils?|helpers?|manager|service|common|misc)(\/|\.|$)/
    expect(everything.filter(({ path }) => vague.test(path)).map(({ path }) => path)).toEqual([])
  })

  test('read the environment in config only', () => {
    const wrong = production.filter(
      ({ path, text }) => /\bprocess\.env\b|\bloadEnvFile\b/.test(code(text)) && !path.startsWith('src/config/'),
    )
    expect(wrong.map(({ path }) => path)).toEqual([])
  })

  test('say in their first line what they prove, when they are tests', () => {
    const wrong = everything.filter(({ path, text }) => isTest(path) && !/^\/[/*] ?\S+( \S+){3,}/.test(text))
    expect(wrong.map(({ path }) => path)).toEqual([])
  })
})

/** Source without comments. */
function code(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '')
}

test('every export has a docstring, alone or together with those right above it', () => {
  const wrong: string[] = []
  for (const { path, text } of [...production, ...console]) {
    for (const paragraph of text.split(/\n\s*\n/)) {
      const name =
        /^export (?:declare )?(?:abstract )?(?:async )?(?:function\*?|class|interface|type|const|let)\s+([\w$]+)/m.exec(
          paragraph,
        )
      if (name === null) continue
      // What comes before the first export of the paragraph: a docstring, or what has one.
      const hasDocstring = paragraph.slice(0, name.index).includes('*/')
      if (!hasDocstring) wrong.push(`${path}: ${name[1]}`)
    }
  }
  expect(wrong).toEqual([])
})

test('every route of the table has a handler, and every handler a route', () => {
  expect(Object.keys(handlers).sort()).toEqual(Object.keys(routes).sort())
})
