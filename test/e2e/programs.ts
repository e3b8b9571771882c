// What the whole suite of the console needs once: a Ceph, a Chromium, and the console as it is built now. Vitest's global set-up.
import { spawn } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'
import { startCeph } from '../emulators/ceph.ts'

/** Where Debian's Chromium is. */
export const CHROMIUM = '/usr/bin/chromium'

/** The parts of a running Ceph that reach the tests' processes. */
export interface CephAddress {
  readonly endpoint: string
  readonly region: string
  readonly accessKey: string
  readonly secretKey: string
}

declare module 'vitest' {
  interface ProvidedContext {
    /** The S3 that the servers of the console's tests connect. */
    cephAddress: CephAddress
  }
}

/** Builds the console, starts Ceph, hands its address on; returns the tear-down. Called by Vitest. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await access(CHROMIUM, constants.X_OK).catch(() => {
    throw new Error(`Chromium is not installed: no ${CHROMIUM}. Install chromium.`)
  })
  // A page that is older than its sources would be tested in their place.
  await buildConsole()
  const { stop, endpoint, region, accessKey, secretKey } = await startCeph()
  project.provide('cephAddress', { endpoint, region, accessKey, secretKey })
  return stop
}

async function buildConsole(): Promise<void> {
  const entry = fileURLToPath(new URL('../../bin/sluice.mjs', import.meta.url))
  const child = spawn(process.execPath, [entry, 'build'], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += String(text)))
  const code = await new Promise((done) => child.once('close', done))
  if (code !== 0) throw new Error(`the console could not be built:\n${said}`)
}
