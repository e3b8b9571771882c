// A Python with the vendor's SDK in it, kept between runs.
import { execFile } from 'node:child_process'
import { access, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The release the contract was taken from. */
const SDK = 'dtlpy==1.124.2'
const folder = fileURLToPath(new URL('../../node_modules/.cache/sdk-python/', import.meta.url))

/** How a Python program ended. */
export interface PythonEnd {
  readonly code: number | string
  readonly stdout: string
  readonly stderr: string
}

/** Makes a virtual environment with the SDK, once; answers its Python. */
export async function findPython(): Promise<string> {
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

/** Runs a Python program with the SDK to its end, whatever that is. `stateDir` is where the SDK keeps log-in and files. */
export async function endPython(args: readonly string[], stateDir: string, seconds = 240): Promise<PythonEnd> {
  const python = await findPython()
  // The SDK also keeps a state file in its working folder. Its command line is a program beside Python.
  const options = {
    cwd: stateDir,
    env: {
      PATH: `${dirname(python)}:${process.env.PATH}`,
      HOME: stateDir,
      DATALOOP_PATH: stateDir,
      PYTHONUTF8: '1',
      PYTHONUNBUFFERED: '1',
      PYTHONDONTWRITEBYTECODE: '1',
    },
  }
  try {
    const ended = await run(python, [...args], { ...options, maxBuffer: 64 * 1024 * 1024, timeout: seconds * 1000 })
    return { code: 0, ...ended }
  } catch (error) {
    const {
      code,
      signal,
      stdout = '',
      stderr = '',
    } = error as { code?: number; signal?: string; stdout?: string; stderr?: string }
    return { code: signal ?? code ?? 'unknown', stdout, stderr }
  }
}

/** Runs a Python program with the SDK; throws with what it wrote when it fails. */
export async function runPython(args: readonly string[], stateDir: string): Promise<string> {
  const { code, stdout, stderr } = await endPython(args, stateDir)
  if (code === 0) return stdout
  throw new Error(`${args.join(' ')} ended with ${code}\n${stdout.slice(-4000)}\n${stderr.slice(-4000)}`)
}
