// Proves that no more than the allowed number of pieces run at once, each gets its turn in order, and the same one is done once.
import { expect, test } from 'vitest'
import { Turns } from './turns.ts'

/** Work that ends when it is told to. */
function held() {
  const gate = Promise.withResolvers<string>()
  return { work: () => gate.promise, end: (text: string) => gate.resolve(text) }
}

test('two run, the third waits for its turn', async () => {
  const turns = new Turns<string>({ atOnce: 2, waitingMax: 5 })
  const [one, two] = [held(), held()]
  const started: string[] = []
  const watched = (name: string, work: () => Promise<string>) => () => {
    started.push(name)
    return work()
  }
  const first = turns.run('1', watched('1', one.work))
  void turns.run('2', watched('2', two.work))
  const third = turns.run(
    '3',
    watched('3', async () => 'third'),
  )
  await Promise.resolve()
  expect(started).toEqual(['1', '2'])
  one.end('first')
  expect(await first).toBe('first')
  expect(await third).toBe('third')
  expect(started).toEqual(['1', '2', '3'])
  two.end('second')
})

test('who asks for the same joins', async () => {
  const turns = new Turns<string>({ atOnce: 1, waitingMax: 0 })
  const one = held()
  const first = turns.run('same', one.work)
  const second = turns.run('same', async () => 'never run')
  one.end('once')
  expect([await first, await second]).toEqual(['once', 'once'])
})

test('too many waiting are sent away, and a failure frees its turn', async () => {
  const turns = new Turns<string>({ atOnce: 1, waitingMax: 1 })
  const one = held()
  const first = turns.run('1', one.work)
  const second = turns.run('2', () => Promise.reject(new Error('broken')))
  await expect(turns.run('3', async () => 'x')).rejects.toMatchObject({ code: 'thumbnail.busy' })
  one.end('done')
  expect(await first).toBe('done')
  await expect(second).rejects.toThrow('broken')
  expect(await turns.run('4', async () => 'free')).toBe('free')
})
