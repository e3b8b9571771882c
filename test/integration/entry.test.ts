// Proves that the entry command helps whoever has only just cloned the repository: it explains itself, and says why when it cannot install.
import { spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
let clone: string
beforeEach(async () => {
  clone = await mkdtemp(join(tmpdir(), 'sluice-clone-'))
  await cp(join(root, 'bin'), join(clone, 'bin'), { recursive: true })
  await mkdir(join(clone, 'src'))
  // Stands for the server: tells how it was called, and ends as it is told.
  await writeFile(
    join(clone, 'src', 'main.ts'),
    `console.log(JSON.stringify(process.argv.slice(2))); process.exit(Number(process.env.END_WITH ?? 0))`,
  )
})
afterEach(() => rm(clone, { recursive: true, force: true }))

/** Makes the clone's lockfile and what is installed, with a package of the given versions. */
async function lock(wanted: string, installed: string | null): Promise<void> {
  const file = (version: string) => ({
    name: 'clone',
    version: '1.0.0',
    lockfileVersion: 3,
    packages: { 'node_modules/thing': { version, integrity: 'sha512-x' } },
  })
  const dependencies = { thing: wanted }
  await writeFile(
    join(clone, 'package.json'),
    JSON.stringify({ name: 'clone', version: '1.0.0', type: 'module', dependencies }),
  )
  const whole = file(wanted)
  await writeFile(
    join(clone, 'package-lock.json'),
    JSON.stringify({
      ...whole,
      packages: { '': { name: 'clone', version: '1.0.0', dependencies }, ...whole.packages },
    }),
  )
  if (installed === null) return
  await mkdir(join(clone, 'node_modules'))
  await writeFile(join(clone, 'node_modules', '.package-lock.json'), JSON.stringify(file(installed)))
}

function run(words: string[], env: Record<string, string> = {}): Promise<{ code: number | null; output: string }> {
  // A registry that refuses connections, as on a machine without network.
  const offline = {
    npm_config_registry: 'http://127.0.0.1:1/',
    npm_config_fetch_retries: '0',
    npm_config_cache: join(clone, 'cache'),
  }
  const child = spawn(process.execPath, [join(clone, 'bin', 'sluice.mjs'), ...words], {
    env: { ...process.env, ...offline, ...env },
  })
  let output = ''
  child.stdout.on('data', (chunk) => (output += String(chunk)))
  child.stderr.on('data', (chunk) => (output += String(chunk)))
  return new Promise((done) => child.once('close', (code) => done({ code, output })))
}

test('it explains itself, and refuses what it does not know', async () => {
  const help = await run(['help'])
  expect(help.code).toBe(0)
  for (const command of ['npm start', 'npm run demo', 'npm test']) expect(help.output).toContain(command)
  expect((await run(['stort'])).code).toBe(2)
})

test('what fits the lockfile is not installed again; words and exit code are passed on', async () => {
  await lock('1.0.0', '1.0.0')
  expect(await run(['serve', '--some', 'words'], { END_WITH: '7' })).toEqual({
    code: 7,
    output: '["serve","--some","words"]\n',
  })
})

test.each([
  ['nothing is installed', null],
  ['another version is installed', '0.9.0'],
])('when %s and there is no network, it says so and starts nothing', async (_name, installed) => {
  await lock('1.0.0', installed)
  const { code, output } = await run(['serve'])
  expect(code).toBe(1)
  expect(output).toContain('Installing packages')
  expect(output).toContain('The package registry cannot be reached')
  expect(output).not.toContain('["serve"]')
})

test('it runs on old Nodes: plain JavaScript, and Node’s own modules only', async () => {
  const files = ['sluice.mjs', 'node-flags.mjs']
  const text = (await Promise.all(files.map((file) => readFile(join(root, 'bin', file), 'utf8')))).join('\n')
  const imported = [...text.matchAll(/from '([^']+)'/g)].map((match) => match[1]!)
  expect(imported.filter((name) => !name.startsWith('node:') && !files.includes(name.replace('./', '')))).toEqual([])
  expect(text).not.toMatch(/\bimport\.meta\.(dirname|filename)\b|\bwith \{ type:|\.toSorted\(|Promise\.withResolvers/)
})
