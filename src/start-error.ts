import { ZodError } from 'zod'
import type { Config } from '#config/config.ts'
import { DataFolderLockedError } from '#db/data-lock.ts'
import { DatabaseUnusableError } from './deps.ts'

/** Makes of an error at start the sentence an operator needs: what is wrong, and which variable mends it. `config` is null when it is what failed. */
export function explainStartError(error: unknown, config: Config | null): string {
  if (error instanceof ZodError) {
    const lines = error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`)
    return `These environment variables are wrong (the README has a table of them):\n${lines.join('\n')}`
  }
  if (error instanceof DataFolderLockedError || error instanceof DatabaseUnusableError) return error.message
  if (!(error instanceof Error)) return String(error)
  const { code, syscall, path } = error as NodeJS.ErrnoException
  if (syscall === 'listen' || syscall === 'getaddrinfo') {
    if (code === 'EADDRINUSE')
      return `Port ${config?.port} of ${config?.host} is in use by another program. Stop that one, or set SLUICE_PORT to a free port.`
    if (code === 'EACCES')
      return `Port ${config?.port} may only be used by the system’s administrator. Set SLUICE_PORT to 1024 or higher.`
    return `Sluice cannot listen on the address ${config?.host} (${code}). Set SLUICE_HOST to an address of this machine, or 0.0.0.0 for all.`
  }
  if (
    path !== undefined &&
    config !== null &&
    path.startsWith(config.dataDir) &&
    ['EACCES', 'EROFS', 'ENOTDIR', 'EPERM', 'EEXIST'].includes(code ?? '')
  ) {
    return `The data folder ${config.dataDir} cannot be used (${code} on ${path}). Set SLUICE_DATA_DIR to a folder that can be written.`
  }
  if (code === 'ENOSPC')
    return `The disk is full (${path ?? error.message}). Free some space, or set SLUICE_DATA_DIR to another disk.`
  return error.message === '' ? String(code) : error.message
}
