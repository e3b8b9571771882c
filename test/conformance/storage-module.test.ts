// Proves that the example of a module does what every storage driver must, and that modules that cannot be used stop a server at its start.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openEgress } from '#storage/egress.ts'
import { DriverModuleError, driverModules, loadDriverModules, openModule } from '#storage/modules.ts'
import { storageConformance } from './storage.suite.ts'

const example = join(import.meta.dirname, '../../examples/sqlite-driver/driver.ts')

storageConformance('example module: SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-sqlite-'))
  process.env.SQLITE_BUCKETS = folder
  const file = join(folder, 'bucket.sqlite')
  new DatabaseSync(file).close()
  await loadDriverModules([example])
  const storage = await openModule({ type: 'x-sqlite', fields: { database: 'bucket' }, secret: null }, openEgress)
  const looking = new DatabaseSync(file)
  return {
    storage,
    backdoor: {
      canName: () => true,
      keys: async () =>
        looking
          .prepare('select key from object')
          .all()
          .map(({ key }) => Buffer.from(key as Uint8Array).toString()),
    },
    async close() {
      looking.close()
      await storage.close()
      await rm(folder, { recursive: true })
    },
  }
})

describe('modules', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-modules-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  const good = {
    api: 1,
    type: 'x-other',
    label: 'Other',
    secret: 'none',
    fields: [{ name: 'server', label: 'Server', type: 'string', required: true }],
  }
  let files = 0
  const write = async (text: string) => {
    const file = join(folder, `module-${++files}.mjs`)
    await writeFile(file, text)
    return file
  }
  const describing = (change: object) =>
    write(`export const sluiceDriver = { ...${JSON.stringify({ ...good, ...change })}, open() {} }`)

  test.each([
    ['of another version', { api: 2 }, 'version 2'],
    ['with a type like one of ours', { type: 's3' }, 'x-'],
    ['with a type that is no name', { type: 'x-../s3' }, 'x-'],
    ['without a label', { label: '' }, 'label'],
    ['with a field that hides ours', { fields: [{ ...good.fields[0], name: 'state' }] }, '“state”'],
    ['with a field called __proto__', { fields: [{ ...good.fields[0], name: 'constructor__' }] }, '“constructor__”'],
    ['with a field twice', { fields: [good.fields[0], good.fields[0]] }, 'one name'],
    ['with a field of no type', { fields: [{ ...good.fields[0], type: 'number' }] }, 'type'],
    ['with a secret of no kind', { secret: 'maybe' }, 'secret'],
  ])('one %s is refused with its file and the reason', async (_, change, reason) => {
    const file = await describing(change)
    const error = await loadDriverModules([file]).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(DriverModuleError)
    expect(error.message).toContain(file)
    expect(error.message).toContain(reason)
  })

  test('one that is not there, breaks, exports nothing or has no full path is refused', async () => {
    for (const file of [
      join(folder, 'absent.mjs'),
      await write('throw new Error("broken")'),
      await write('export const other = 1'),
      'driver.ts',
      '../driver.ts',
    ])
      await expect(loadDriverModules([file])).rejects.toThrow(DriverModuleError)
  })

  test('two that bring one type are refused; one that is named twice is not', async () => {
    const [first, second] = [await describing({}), await describing({})]
    await loadDriverModules([first, first])
    await expect(loadDriverModules([second])).rejects.toThrow('already brings the type x-other')
    expect(driverModules().filter(({ type }) => type === 'x-other')).toHaveLength(1)
  })

  test('a storage that says to be another kind is not opened, nor one whose module is not there', async () => {
    const file = await write(
      `export const sluiceDriver = { ...${JSON.stringify({ ...good, type: 'x-liar' })}, open: () => ({ provider: 's3' }) }`,
    )
    await loadDriverModules([file])
    const open = (type: `x-${string}`) => openModule({ type, fields: {}, secret: null }, openEgress)
    await expect(open('x-liar')).rejects.toMatchObject({ kind: 'invalid' })
    await expect(open('x-gone')).rejects.toMatchObject({ kind: 'unsupported' })
  })
})
