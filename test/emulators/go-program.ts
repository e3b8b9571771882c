import { execFile } from 'node:child_process'
import { access, constants, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const folders = [...(process.env.PATH ?? '').split(':'), '/usr/local/go/bin', '/usr/lib/go/bin']

/** A program that is built from its source by Go, at one version. */
export interface GoProgram {
  /** Last part of the module's path. */
  readonly name: string
  readonly module: string
  readonly version: string
}

/** The first Go there is; null where there is none. */
async function findGo(): Promise<string | null> {
  for (const folder of folders) {
    const file = join(folder, 'go')
    if (await isProgram(file)) return file
  }
  return null
}

async function isProgram(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  )
}

/**
 * Why a program cannot be built here; null when it stands ready. For suites that run where Go is on the machine.
 *
 * It is built once, by `go install` through the module proxy and its checksum database, and kept beside Go's own build cache: the first time takes two to
 * three minutes on two cores, and later ones nothing.
 */
export async function missingGoProgram(program: GoProgram): Promise<string | null> {
  const go = await findGo()
  if (go === null) return 'there is no Go on this machine (https://go.dev/dl)'
  const file = await goProgramFile(program)
  if (await isProgram(file)) return null
  const bin = join(file, '..')
  await mkdir(bin, { recursive: true })
  const startMs = performance.now()
  try {
    const env = { ...process.env, GOBIN: bin, GOFLAGS: '-buildvcs=false' }
    await run(go, ['install', '-trimpath', '-ldflags=-s -w', `${program.module}@${program.version}`], {
      env,
      timeout: 1_200_000,
      maxBuffer: 64 * 1024 * 1024,
    })
  } catch (error) {
    // Where nothing that can be had is to be left out it is a failure.
    if (process.env.CI !== undefined) throw error
    return `${program.name} could not be built (${(error as { stderr?: string }).stderr?.trim().split('\n').at(-1) ?? String(error)})`
  }
  console.info(`${program.name} ${program.version} was built in ${Math.round((performance.now() - startMs) / 1000)} s`)
  return null
}

/** Where the program stands once `missingGoProgram` has answered null. */
export async function goProgramFile({ name, version }: GoProgram): Promise<string> {
  const go = await findGo()
  if (go === null) throw new Error('There is no Go on this machine.')
  const { stdout } = await run(go, ['env', 'GOCACHE'])
  return join(stdout.trim(), 'sluice', version, name)
}
