#!/usr/bin/env node
// The one door to Sluice: `npm start`, `npm run demo`, `npm test` and the rest come in here (D3).
// Plain JavaScript on Node built-ins only, down to Node 18: it runs before anything is installed.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeFlags } from './node-flags.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const say = (text) => process.stderr.write(`${text}\n`)

const usage = `Sluice connects your own cloud storage to your data work: it indexes files in place.

  npm start                      the server (address, data and database by environment variables, see README.md)
  npm run demo                   the server with a sample bucket, a project and a synced dataset
  npm run demo -- --once --json  the same on free ports, checked, one line of JSON, then the end
  npm test [-- SUITE…]           the tests: unit and integration unless named; also model, convergence,
                                 mutants, stores, crash, sdk, e2e
  npm run bench -- NAME …        a benchmark: listing, scan, sync, presign, browse
  npm run check                  types, lint, architecture and unit tests
  npm run build                  the console, when it is not to be built by the first start
  node bin/sluice.mjs work       only the background work, beside servers with SLUICE_RUN_WORKER=0
  node bin/sluice.mjs migrate    bring the database of DATABASE_URL up to date, then end
  node bin/sluice.mjs policy …   the least rights a storage driver needs, as JSON or Terraform text (docs/doctor.md)
  node bin/sluice.mjs doctor ID  examine a storage driver of a running server`

/** Suites of vitest.config.ts, with the programs each wants from the machine. */
const suites = {
  unit: [],
  integration: [],
  model: [],
  convergence: [],
  mutants: [],
  stores: [
    'radosgw',
    'ceph-mon',
    'ceph-osd',
    'swift-proxy-server',
    'memcached',
    '/usr/lib/postgresql/15/bin/postgres',
    'docker-registry',
    'openssl',
  ],
  crash: [],
  sdk: ['python3', 'radosgw', 'ceph-mon', 'ceph-osd'],
  e2e: ['chromium', 'radosgw', 'ceph-mon', 'ceph-osd'],
}

let chosenNode

await main(process.argv.slice(2))

async function main([command = 'help', ...args]) {
  switch (command) {
    case 'build':
      install({ withDev: true })
      return exit(await buildConsole())
    case 'serve':
    case 'demo':
      if (!isConsoleBuilt()) {
        install({ withDev: true })
        say('Building the console …')
        const { code } = await buildConsole()
        if (code !== 0) say('The console could not be built; the server starts with its API only.')
      }
      install({ withDev: false })
      return exit(await run(['src/main.ts', command, ...args].map(inRoot), { isServer: true }))
    case 'work':
    case 'migrate':
      install({ withDev: false })
      return exit(await run(['src/main.ts', command, ...args].map(inRoot), { isServer: true }))
    case 'policy':
    case 'doctor':
      install({ withDev: false })
      return exit(await run(['src/main.ts', command, ...args].map(inRoot)))
    case 'test':
      install({ withDev: true })
      return exit(await test(args))
    case 'bench':
      install({ withDev: true })
      return exit(await run(['bench/main.ts', ...args].map(inRoot)))
    case 'check':
      install({ withDev: true })
      return exit(await check())
    default:
      say(usage)
      return exit({ code: ['help', '--help', '-h'].includes(command) ? 0 : 2 })
  }
}

/** Only the first word is a file of ours. */
function inRoot(word, index) {
  return index === 0 ? join(root, word) : word
}

// ---- installing -------------------------------------------------------------------------------------------------------------------------------

/** Runs `npm ci` when what is installed is not what the lockfile asks for. Output only on failure. */
function install({ withDev }) {
  if (!existsSync(join(root, 'package-lock.json')) || isInstalled(withDev)) return
  withInstallLock(() => {
    if (isInstalled(withDev)) return
    say('Installing packages (only when they changed; this can take a minute) …')
    const npmCli = process.env.npm_execpath
    const viaNode = npmCli !== undefined && /npm-cli\.c?js$/.test(npmCli)
    const flags = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--engine-strict=false', '--include=optional']
    if (withDev) flags.push('--include=dev')
    const [program, words] = viaNode ? [process.execPath, [npmCli, ...flags]] : ['npm', flags]
    const shell = process.platform === 'win32' && !viaNode
    const done = spawnSync(program, words, {
      cwd: root,
      encoding: 'utf8',
      shell,
      maxBuffer: 64 * 1024 * 1024,
      env: cleanNpmEnv(),
    })
    if (done.status === 0) return
    const output = `${done.stdout ?? ''}${done.stderr ?? ''}${done.error ? done.error.message : ''}`.trim()
    say(output)
    if (done.error && done.error.code === 'ENOENT')
      say('\nnpm is not on the PATH. Install Node with npm (version 20 or newer) and try again.')
    else if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|ECONNRESET/.test(output)) {
      say(
        '\nThe package registry cannot be reached. Sluice needs it once, to install; check the network or the proxy settings of npm.',
      )
    } else if (/EACCES|EPERM|EROFS/.test(output))
      say(`\nThe folder ${root} cannot be written. Give yourself the right to, or clone it elsewhere.`)
    else say('\nThe packages could not be installed; npm says why above.')
    process.exit(1)
  })
}

/** npm hands its own settings to scripts as variables; those of a run with `--omit` or `--dry-run` must not steer ours. */
function cleanNpmEnv() {
  const env = { ...process.env }
  for (const name of [
    'npm_config_dry_run',
    'npm_config_omit',
    'npm_config_only',
    'npm_config_production',
    'npm_config_json',
  ])
    delete env[name]
  return env
}

function isInstalled(withDev) {
  let wanted
  let present
  try {
    wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
    present = JSON.parse(readFileSync(join(root, 'node_modules', '.package-lock.json'), 'utf8')).packages
  } catch {
    return false
  }
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '' || entry.link) return true
    const found = present[path]
    // Packages for other systems are left out by npm, and tools of development by whoever installs without them.
    if (found === undefined)
      return entry.optional === true || entry.devOptional === true || (entry.dev === true && !withDev)
    return found.version === entry.version && found.integrity === entry.integrity
  })
}

/** Two commands started at once on a fresh clone must not install over each other. */
function withInstallLock(work) {
  const lock = join(tmpdir(), `sluice-install-${createHash('sha256').update(root).digest('hex').slice(0, 16)}`)
  const pause = new Int32Array(new SharedArrayBuffer(4))
  for (let waited = 0; ; waited += 200) {
    try {
      mkdirSync(lock)
      break
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
      if (waited === 0) say('Another command is installing the packages; waiting for it …')
      if (!isHeld(lock, waited)) rmSync(lock, { recursive: true, force: true })
      else Atomics.wait(pause, 0, 0, 200)
    }
  }
  const release = () => rmSync(lock, { recursive: true, force: true })
  process.once('exit', release)
  writeFileSync(join(lock, 'pid'), String(process.pid))
  work()
  release()
}

function isHeld(lock, waitedMs) {
  try {
    process.kill(Number(readFileSync(join(lock, 'pid'), 'utf8')), 0)
    return true
  } catch (error) {
    // The pid is written a moment after the folder is made.
    return error.code === 'EPERM' || (error.code === 'ENOENT' && waitedMs < 2000)
  }
}

// ---- the console ------------------------------------------------------------------------------------------------------------------------------

/** Whether what was built of the console is newer than all it is built from; where its sources are not, there is nothing to build. */
function isConsoleBuilt() {
  if (!existsSync(join(root, 'console'))) return true
  const built = join(root, 'dist', 'console', 'index.html')
  if (!existsSync(built)) return false
  const sources = ['console', 'src/contract', 'src/client', 'vite.config.ts', 'package-lock.json']
  const builtMs = statSync(built).mtimeMs
  return sources.every((source) => newestMs(join(root, source)) <= builtMs)
}

function newestMs(path) {
  const facts = statSync(path)
  if (!facts.isDirectory()) return facts.mtimeMs
  return Math.max(facts.mtimeMs, ...readdirSync(path).map((name) => newestMs(join(path, name))))
}

/** Builds the console's files; says something only when that fails. */
function buildConsole() {
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js')
  // Whatever this is started from: React's version for development is half as large again.
  return run([vite, 'build', '--logLevel', 'warn'], { cwd: root, env: { NODE_ENV: 'production' } })
}

// ---- the right Node ---------------------------------------------------------------------------------------------------------------------------

/** The Node the lockfile pins, or the running one when it is new enough to run TypeScript as it is. */
function findNode() {
  if (chosenNode !== undefined) return chosenNode
  const file = process.platform === 'win32' ? 'node.exe' : 'node'
  const platform = process.platform === 'win32' ? 'win' : process.platform
  const pinned = join(root, 'node_modules', `node-${platform}-${process.arch}`, 'bin', file)
  // Asked for its version, because a binary for another C library is there but does not start.
  const works = existsSync(pinned) && spawnSync(pinned, ['-p', '1'], { encoding: 'utf8' }).stdout === '1\n'
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (works) chosenNode = pinned
  else if ((major === 22 && minor >= 19) || major >= 24) chosenNode = process.execPath
  else {
    say(
      `Sluice runs on Node 24 (at least 22.19); this is Node ${process.versions.node}, and npm has no newer one for ${process.platform}-${process.arch}.`,
    )
    say('Install Node 24 and start the command again.')
    process.exit(1)
  }
  return chosenNode
}

/** Runs a script with the right Node, hands signals on, and answers how it ended. */
function run(words, { isServer = false, env = {}, cwd = process.cwd() } = {}) {
  const node = findNode()
  // Compiled modules, types stripped, are kept from one start to the next: a second start is faster and 30 MB smaller. Node goes without where it may not write.
  const compiled = {
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(root, 'node_modules', '.cache', 'compiled'),
  }
  const child = spawn(node, [...(isServer ? nodeFlags : []), ...words], {
    cwd,
    // The channel tells the server when this process is gone, even by kill -9: it then stops as on SIGTERM.
    stdio: isServer ? ['inherit', 'inherit', 'inherit', 'ipc'] : 'inherit',
    env: { ...process.env, ...compiled, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}`, ...env },
  })
  const forward = (signal) => child.kill(signal)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, forward)
  return new Promise((done) => {
    const end = (outcome) => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeListener(signal, forward)
      done(outcome)
    }
    child.once('error', (error) => {
      say(error.message)
      end({ code: 1 })
    })
    child.once('exit', (code, signal) => end({ code, signal }))
  })
}

function exit({ code, signal }) {
  process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0)
}

// ---- tests and checks -------------------------------------------------------------------------------------------------------------------------

/** Runs suites with Vitest; ends with `N passed, N failed`. */
async function test(args) {
  const named = args.filter((word) => word in suites)
  const rest = args.filter((word) => !(word in suites))
  const chosen = named.length > 0 ? named : ['unit', 'integration']
  const counts = await vitest(chosen, rest)
  if (named.length === 0) sayLeftOut(chosen)
  return finish(counts)
}

async function vitest(chosen, rest) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-counts-'))
  const file = join(folder, 'counts.json')
  const words = [
    join(root, 'node_modules', 'vitest', 'vitest.mjs'),
    'run',
    ...chosen.flatMap((name) => ['--project', name]),
  ]
  words.push('--reporter=default', '--reporter=./test/support/reporter.ts', ...rest)
  const { code, signal } = await run(words, { cwd: root, env: { SLUICE_TEST_COUNTS: file } })
  let counts = { passed: 0, failed: 0, skipped: 0 }
  try {
    counts = JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    // Vitest did not get as far as running tests; the exit code tells.
  }
  rmSync(folder, { recursive: true, force: true })
  if ((code !== 0 || signal) && counts.failed === 0) counts.failed = 1
  return counts
}

function sayLeftOut(chosen) {
  for (const [name, programs] of Object.entries(suites)) {
    if (chosen.includes(name)) continue
    const missing = programs.filter((program) => !isOnPath(program))
    const why =
      missing.length > 0 ? `wants ${missing.join(', ')}, which this machine does not have` : 'its programs are here'
    say(`Left out: ${name} (${why}; run it with npm run test:${name})`)
  }
}

function isOnPath(program) {
  if (program.startsWith('/')) return existsSync(program)
  return (process.env.PATH ?? '').split(delimiter).some((folder) => folder !== '' && existsSync(join(folder, program)))
}

/** Types, lint, architecture and unit tests, all of them even when one fails. */
async function check() {
  const bins = join(root, 'node_modules')
  const steps = [
    ['types', [join(bins, 'typescript', 'bin', 'tsc'), '--noEmit']],
    ['types of the console', [join(bins, 'typescript', 'bin', 'tsc'), '--noEmit', '-p', 'console']],
    ['lint', [join(bins, '@biomejs', 'biome', 'bin', 'biome'), 'check', '--error-on-warnings']],
  ]
  const total = { passed: 0, failed: 0, skipped: 0 }
  for (const [name, words] of steps) {
    const { code } = await run(words, { cwd: root })
    say(`${name}: ${code === 0 ? 'ok' : 'failed'}`)
    total[code === 0 ? 'passed' : 'failed']++
  }
  const counts = await vitest(['unit'], [])
  for (const key of Object.keys(total)) total[key] += counts[key]
  return finish(total)
}

function finish({ passed, failed, skipped }) {
  if (skipped > 0) process.stdout.write(`${skipped} skipped\n`)
  process.stdout.write(`${passed} passed, ${failed} failed\n`)
  return { code: failed === 0 ? 0 : 1 }
}
