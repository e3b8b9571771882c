// A Python with the vendor's SDK in it, kept between runs.
import { execFile } from 'node:child_process'
import { access, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The release the contract was taken from. */
const SDK = 'dtlpy==1.124.2'
const folder = fileURLToPath(new URL('../../node_modules/.cache/sdk-python/', import.meta.url))

/** Makes a virtual environment with the SDK, once; answers its Python. */
async function findPython(): Promise<string> {
  const venv = join(folder, SDK.replace(/\W+/g, '-'))
  const python = join(venv, 'bin', 'python')
  const stamp = join(venv, 'complete')
  if (
    await access(stamp).then(
      () => true,
      () => false,
    )
  )
    return python
  await rm(venv, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  try {
    await run('python3', ['-m', 'venv', venv])
    await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', SDK], {
      maxBuffer: 16 * 1024 * 1024,
    })
  } catch (cause) {
    throw new Error(
      `The SDK could not be installed. It wants python3 with venv (Debian: python3-venv) and the package index.`,
      { cause },
    )
  }
  await writeFile(stamp, '')
  return python
}

/** Runs a Python program with the SDK; throws with what it wrote when it fails. `stateDir` is where the SDK keeps log-in and files. */
export async function runPython(args: readonly string[], stateDir: string): Promise<string> {
  const python = await findPython()
  // The SDK also keeps a state file in its working folder.
  const options = {
    cwd: stateDir,
    env: { PATH: process.env.PATH, HOME: stateDir, DATALOOP_PATH: stateDir, PYTHONUTF8: '1' },
  }
  try {
    const { stdout } = await run(python, [...args], { ...options, maxBuffer: 64 * 1024 * 1024, timeout: 240_000 })
    return stdout
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as { stdout?: string; stderr?: string; message: string }
    throw new Error(`${message}\n${stdout.slice(-4000)}\n${stderr.slice(-4000)}`)
  }
}
