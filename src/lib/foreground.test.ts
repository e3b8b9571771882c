// Proves that a thread whose event loop works all the time is seen as busy from outside, and one that waits is not.
import { expect, test, vi } from 'vitest'
import { measureForeground, noForeground, watchForeground } from './foreground.ts'

test('busy while the loop works, idle when it waits', async () => {
  const measured = measureForeground()
  const foreground = watchForeground(measured.shared)
  try {
    let isWorking = true
    const work = () => {
      for (const end = performance.now() + 20; performance.now() < end; );
      if (isWorking) setImmediate(work)
    }
    work()
    await vi.waitFor(() => expect(foreground.isBusy()).toBe(true), { timeout: 10_000 })
    isWorking = false
    await vi.waitFor(() => expect(foreground.isBusy()).toBe(false), { timeout: 10_000, interval: 200 })
  } finally {
    measured.stop()
  }
})

test('where nobody is served it is never busy', () => {
  expect(noForeground.isBusy()).toBe(false)
})
