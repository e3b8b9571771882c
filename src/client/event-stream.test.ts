// Proves that server-sent events are read as the standard says, wherever the network cuts them.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readEvents, type StreamEvent } from './event-stream.ts'

async function read(chunks: readonly Uint8Array[]): Promise<StreamEvent[]> {
  const events: StreamEvent[] = []
  for await (const event of readEvents(ReadableStream.from(chunks) as ReadableStream<Uint8Array>)) events.push(event)
  return events
}

const bytes = (text: string) => new TextEncoder().encode(text)

test('fields, comments, ids that stay, and data of several lines', async () => {
  const text =
    ':hello\nretry: 5\n\nevent: a\nid: 7\ndata: one\ndata:two\n\ndata\n\nevent: nothing\n\ndata: {"é": 1}\n\ndata: cut off'
  expect(await read([bytes(text)])).toEqual([
    { event: 'a', data: 'one\ntwo', lastId: '7' },
    { event: 'message', data: '', lastId: '7' },
    { event: 'message', data: '{"é": 1}', lastId: '7' },
  ])
})

test('line ends of any kind, cut anywhere, give the same events', async () => {
  const events = [
    { event: 'notification', data: '{"text":"übervögel 🦉"}', lastId: '' },
    { event: 'unread', data: '{"unread":2}', lastId: '41' },
  ]
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('\n', '\r\n', '\r'), fc.array(fc.nat(120)), async (end, cuts) => {
      const lines = [
        'event: notification',
        `data: ${events[0]!.data}`,
        '',
        'id: 41',
        'event: unread',
        `data: ${events[1]!.data}`,
        '',
        ':',
      ]
      const whole = bytes(lines.map((line) => line + end).join(''))
      const at = [0, ...cuts.filter((cut) => cut <= whole.length).sort((a, b) => a - b), whole.length]
      expect(await read(at.slice(1).map((to, index) => whole.slice(at[index], to)))).toEqual(events)
    }),
  )
})
