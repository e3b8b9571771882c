// Proves what an operator sees of the real command: it starts, says where it is, stops on a signal, and starts again after kill -9 of any of its parts.
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createPool } from '#db/connect.ts'
import { isRunning } from '#db/process-mark.ts'
import { withDatabase } from '#test/support/database.ts'
import { makeDataDir, runCommand, startServerProcess } from '#test/support/server.ts'

let data: Awaited<ReturnType<typeof makeDataDir>>
beforeEach(async () => {
  data = await makeDataDir()
})
afterEach(() => data.remove())

const start = (env: Record<string, string> = {}) => startServerProcess({ SLUICE_DATA_DIR: data.path, ...env })
const postgresPid = async () =>
  Number((await readFile(join(data.path, 'postgres/data/postmaster.pid'), 'utf8')).split('\n')[0])
const isReady = async (url: string) => (await fetch(`${url}/readyz`)).status
const gone = async (pid: number) => {
  await expect.poll(() => isRunning(pid), { timeout: 15_000 }).toBe(false)
}

test('a fresh server says where it is, offers the set-up link once, and stops cleanly on SIGTERM', async () => {
  const server = await start()
  expect(await isReady(server.url)).toBe(200)
  expect(server.output()).toContain(`data in ${data.path}`)
  const token = /\/setup#token=([\w-]+)/.exec(server.output())?.[1]
  const body = JSON.stringify({ token, email: 'owner@example.com', password: 'long enough', orgName: 'Birds' })
  const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body }
  expect((await fetch(`${server.url}/api/v1/setup`, request)).status).toBe(200)
  expect((await fetch(`${server.url}/api/v1/setup`, request)).status).toBe(409)
  const postgres = await postgresPid()
  expect(await server.stop()).toBe(0)
  expect([isRunning(server.pid), isRunning(postgres)]).toEqual([false, false])

  const second = await start()
  expect(second.output()).not.toContain('/setup#token=')
  expect(await second.stop()).toBe(0)
})

test('the first owner of the environment can log in, and a later start does not reset the password', async () => {
  const owner = { SLUICE_OWNER_EMAIL: 'owner@example.com', SLUICE_ORG_NAME: 'Birds' }
  const logIn = async (url: string, password: string) => {
    const body = JSON.stringify({ username: owner.SLUICE_OWNER_EMAIL, password, type: 'user_credentials' })
    return (
      await fetch(`${url}/token?default`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    ).status
  }
  const first = await start({ ...owner, SLUICE_OWNER_PASSWORD: 'first password' })
  expect(await logIn(first.url, 'first password')).toBe(200)
  expect(first.output()).not.toContain('first password')
  await first.stop()
  const second = await start({ ...owner, SLUICE_OWNER_PASSWORD: 'second password' })
  expect([await logIn(second.url, 'first password'), await logIn(second.url, 'second password')]).toEqual([200, 401])
  await second.stop()
})

describe('after kill -9', () => {
  test('of the server, the database it leaves behind is stopped and everything committed is there', async () => {
    const first = await start()
    const postgres = await postgresPid()
    const marker = await rememberSomething(first.output())
    process.kill(first.pid, 'SIGKILL')
    await first.ended
    const second = await start()
    expect(second.output()).toContain(`(process ${postgres}) was left running`)
    expect(isRunning(postgres)).toBe(false)
    expect(await isReady(second.url)).toBe(200)
    expect(await marker(second.output())).toBe(true)
    await second.stop()
  })

  test('of the command it was started with, the server stops by itself', async () => {
    const first = await start()
    const postgres = await postgresPid()
    first.child.kill('SIGKILL')
    await gone(first.pid)
    await gone(postgres)
    const second = await start()
    expect(await second.stop()).toBe(0)
  })

  test('of the database, the server ends with a failure and the next start recovers', async () => {
    const first = await start()
    process.kill(await postgresPid(), 'SIGKILL')
    expect(await first.ended).toBe(1)
    expect(first.output()).toContain('the database ended by itself')
    const second = await start()
    expect(await isReady(second.url)).toBe(200)
    await second.stop()
  })

  test('and a pid file whose number now belongs to another program, the start is not refused', async () => {
    const first = await start()
    const file = join(data.path, 'postgres/data/postmaster.pid')
    const text = await readFile(file, 'utf8')
    await first.stop()
    // This very test run has the number now; it must neither be taken for a database nor be stopped.
    await writeFile(file, text.replace(/^\d+/, String(process.pid)))
    const second = await start()
    expect(await isReady(second.url)).toBe(200)
    await second.stop()
  })
})

/** Makes the first owner through the set-up link; answers how to see after a restart whether that was kept: there is no link any more. */
async function rememberSomething(output: string): Promise<(output: string) => Promise<boolean>> {
  const [, url, token] = /(http:\/\/[^\s"]+)\/setup#token=([\w-]+)/.exec(output) ?? []
  const body = JSON.stringify({ token, email: 'owner@example.com', password: 'long enough', orgName: 'Birds' })
  const answer = await fetch(`${url}/api/v1/setup`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  expect(answer.status).toBe(200)
  return async (later) => !later.includes('/setup#token=')
}

describe('a start that cannot work says which variable mends it', () => {
  test('the data folder belongs to another server: the second refuses and the first goes on', async () => {
    const first = await start()
    const second = await runCommand('serve', { SLUICE_DATA_DIR: data.path })
    expect(second.code).toBe(1)
    expect(second.output).toContain(`in use by another Sluice server (process ${first.pid})`)
    expect(second.output).toContain('SLUICE_DATA_DIR')
    expect(await isReady(first.url)).toBe(200)
    await first.stop()
  })

  test('two that start at once on one folder: one serves, the other refuses', async () => {
    const both = await Promise.allSettled([start(), start()])
    const serving = both.filter((each) => each.status === 'fulfilled').map((each) => each.value)
    expect(serving).toHaveLength(1)
    expect(String((both.find((each) => each.status === 'rejected') as PromiseRejectedResult).reason)).toContain(
      'in use by another',
    )
    await serving[0]!.stop()
  })

  test('the port is taken: nothing is left running', async () => {
    const blocker = createServer()
    const port = await new Promise<number>((done) =>
      blocker.listen(0, '127.0.0.1', () => done((blocker.address() as { port: number }).port)),
    )
    const { code, output } = await runCommand('serve', { SLUICE_DATA_DIR: data.path, SLUICE_PORT: String(port) })
    blocker.close()
    expect(code).toBe(1)
    expect(output).toContain(
      `Port ${port} of 127.0.0.1 is in use by another program. Stop that one, or set SLUICE_PORT`,
    )
    await expect(postgresPid()).rejects.toThrow()
  })

  test.each([
    [{ SLUICE_PORT: 'seventy' }, 'SLUICE_PORT'],
    [{ SLUICE_OWNER_EMAIL: 'nobody' }, 'SLUICE_OWNER_EMAIL'],
    [{ SLUICE_OWNER_EMAIL: 'a@example.com', SLUICE_OWNER_PASSWORD: 'long enough' }, 'missing: SLUICE_ORG_NAME'],
    [{ SLUICE_MASTER_KEY: 'short' }, 'SLUICE_MASTER_KEY'],
    [{ SLUICE_HOST: '203.0.113.1' }, 'SLUICE_HOST'],
    [{ SLUICE_DATA_DIR: '/dev/null/here' }, 'SLUICE_DATA_DIR'],
    [{ DATABASE_URL: 'postgres://user:hunter2@127.0.0.1:1/none' }, 'DATABASE_URL'],
    [{ DATABASE_URL: 'not an address' }, 'DATABASE_URL'],
  ])('%j', async (env, expected) => {
    const database = await withDatabase()
    const { code, output } = await runCommand('serve', {
      SLUICE_DATA_DIR: data.path,
      DATABASE_URL: database.url,
      ...env,
    } as Record<string, string>)
    await database.drop()
    expect(code).toBe(1)
    expect(output).toContain(expected)
    // A sentence, not a stack trace, and no password in it.
    expect(output).not.toMatch(/\n\s+at /)
    expect(output).not.toContain('hunter2')
  })
})

test('with DATABASE_URL nothing embedded is started, and two servers share the database', async () => {
  const database = await withDatabase()
  const other = await makeDataDir()
  try {
    const shared = {
      DATABASE_URL: database.url,
      SLUICE_MASTER_KEY: Buffer.from('0123456789abcdef0123456789abcdef').toString('base64'),
    }
    const [first, second] = await Promise.all([
      start(shared),
      start({ ...shared, SLUICE_DATA_DIR: other.path, SLUICE_RUN_WORKER: '0' }),
    ])
    expect([await isReady(first.url), await isReady(second.url)]).toEqual([200, 200])
    await expect(postgresPid()).rejects.toThrow()
    expect(second.output()).toContain('no background work here')
    expect(await Promise.all([first.stop(), second.stop()])).toEqual([0, 0])
    const pool = createPool(database.url, { connectionsMax: 1 })
    expect((await pool.query('select 1')).rowCount).toBe(1)
    await pool.end()
  } finally {
    await database.drop()
    await other.remove()
  }
})
