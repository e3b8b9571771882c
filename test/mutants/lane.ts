// A copy of the work tree in which one mutant after another lives and is met by its test.
import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Mutant, mutate } from './mutant.ts'
import type { Report, Result } from './reporter.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** What the tests of mutants need of the work tree; packages are linked. */
const COPIED = ['src', 'test', 'package.json', 'tsconfig.json']
/** Longest run of one test; a mutant that never ends is none that anybody can judge. */
const RUN_MS_MAX = 240_000

/** A copy of the work tree; one run at a time. */
export class Lane {
  readonly #folder: string
  readonly #serverUrl: string

  private constructor(folder: string, serverUrl: string) {
    this.#folder = folder
    this.#serverUrl = serverUrl
  }

  /** Copies the work tree as it is. `serverUrl`: the PostgreSQL with the template that its tests clone. */
  static async open(serverUrl: string): Promise<Lane> {
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'sluice-mutants-')))
    for (const name of COPIED) await cp(join(root, name), join(folder, name), { recursive: true })
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir')
    return new Lane(folder, serverUrl)
  }

  /** Removes the copy. */
  async close(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }

  /** Runs tests with the mutant in the code, or without one; answers how each ended. Throws when they could not be run at all. */
  async run(
    tests: { readonly file: string; readonly names: readonly string[] },
    mutant?: Mutant,
  ): Promise<readonly Result[]> {
    if (!mutant) return this.#run(tests)
    const path = join(this.#folder, mutant.file)
    const code = await readFile(path, 'utf8')
    await writeFile(path, mutate(code, mutant))
    try {
      return await this.#run(tests)
    } finally {
      await writeFile(path, code)
    }
  }

  async #run({
    file,
    names,
  }: {
    readonly file: string
    readonly names: readonly string[]
  }): Promise<readonly Result[]> {
    const reportFile = join(this.#folder, 'report.json')
    await rm(reportFile, { force: true })
    const words = [join('node_modules', 'vitest', 'vitest.mjs'), 'run', '--config', 'test/mutants/vitest.config.ts']
    words.push('--root', this.#folder, file)
    if (names.length > 0) words.push('--testNamePattern', names.map(escaped).join('|'))
    const said = await this.#node(words, reportFile)
    const text = await readFile(reportFile, 'utf8').catch(() => null)
    if (text === null) throw new Error(`The tests of ${file} did not come to an end:\n${said}`)
    const { results, broken } = JSON.parse(text) as Report
    if (results.length === 0) throw new Error(`No test of ${file} was run:\n${broken.join('\n')}${said}`)
    return results
  }

  #node(words: readonly string[], reportFile: string): Promise<string> {
    const env = Object.entries(process.env).filter(([name]) => !/^(VITEST|TEST$|NODE_OPTIONS)/.test(name))
    const own = { SLUICE_MUTANTS_SERVER: this.#serverUrl, SLUICE_MUTANTS_REPORT: reportFile }
    const options = {
      cwd: this.#folder,
      env: { ...Object.fromEntries(env), ...own },
      timeout: RUN_MS_MAX,
      maxBuffer: 64 * 1024 * 1024,
    }
    return new Promise((resolve) => {
      execFile(process.execPath, words, options, (_error, stdout, stderr) => resolve(`${stdout}${stderr}`))
    })
  }
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}

/** Hands lanes out, so that each has one user at a time. */
export class Lanes {
  readonly #idle: Lane[]
  readonly #all: readonly Lane[]
  readonly #waiting: ((lane: Lane) => void)[] = []

  private constructor(lanes: Lane[]) {
    this.#all = lanes
    this.#idle = [...lanes]
  }

  /** Makes so many copies of the work tree. */
  static async open(count: number, serverUrl: string): Promise<Lanes> {
    return new Lanes(await Promise.all(Array.from({ length: count }, () => Lane.open(serverUrl))))
  }

  /** Does something in a lane as soon as one is free. */
  async with<T>(work: (lane: Lane) => Promise<T>): Promise<T> {
    const lane = this.#idle.pop() ?? (await new Promise<Lane>((take) => this.#waiting.push(take)))
    try {
      return await work(lane)
    } finally {
      const next = this.#waiting.shift()
      if (next) next(lane)
      else this.#idle.push(lane)
    }
  }

  /** Removes the copies; nobody may be using one. */
  async close(): Promise<void> {
    await Promise.all(this.#all.map((lane) => lane.close()))
  }
}
