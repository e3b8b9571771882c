// Proves that the documents tell the truth where a program can tell: the table of settings, the commands, the links and the form of decisions.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { variables } from '#config/config.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const documents = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
  (path) => path.endsWith('.md') && !/(^|\/)(node_modules|data|\.\w+)\//.test(path),
)

test('the README’s table of settings is that of the configuration', () => {
  const defaults = variables.parse({}) as Record<string, unknown>
  const rows = Object.entries(variables.shape).map(([name, schema]) => {
    const value = defaults[name]
    const shown =
      value === undefined || value === '' ? '' : `\`${value === true ? '1' : value === false ? '0' : String(value)}\``
    return `| \`${name}\` | ${shown} | ${schema.description ?? 'NOT DESCRIBED'} |`
  })
  const table = /\|---\|---\|---\|\n([\s\S]*?)<!-- end of settings -->/.exec(read('README.md'))?.[1]
  expect(table?.trim().split('\n')).toEqual(rows)
})

test('every npm command that a document shows exists', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  const known = new Set([...Object.keys(scripts), 'ci'])
  for (const path of documents) {
    for (const [, name] of read(path).matchAll(/\bnpm run ([\w:]+)/g))
      expect([path, name, known.has(name!)]).toEqual([path, name, true])
  }
})

test('every link between documents, and every file that ARCHITECTURE names, is there', () => {
  const missing: string[] = []
  for (const path of documents) {
    for (const [, link] of read(path).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
      if (!existsSync(join(root, dirname(path), link!))) missing.push(`${path}: ${link}`)
    }
  }
  for (const [, path] of read('ARCHITECTURE.md').matchAll(/`((?:src|test|bin|bench|docs)\/[\w./-]+)`/g)) {
    if (!existsSync(join(root, path!))) missing.push(`ARCHITECTURE.md: ${path}`)
  }
  expect(missing).toEqual([])
})

test('every decision has a status, a context, a decision and consequences', () => {
  for (const name of readdirSync(join(root, 'docs/adr'))) {
    expect([name, /^\d{4}-[a-z0-9-]+\.md$/.test(name)]).toEqual([name, true])
    const text = read(`docs/adr/${name}`)
    for (const part of ['Status:', '**Context.**', '**Decision.**', '**Consequences.**'])
      expect([name, text.includes(part)]).toEqual([name, true])
  }
})
