import { Notification, Stack } from '@mantine/core'
import { useSyncExternalStore } from 'react'
import { useTranslation } from 'react-i18next'

/** A short word about something that just happened. */
export interface Toast {
  readonly id: number
  readonly text: string
  /** `waiting`: somebody has to do something before it goes on. */
  readonly kind: 'done' | 'waiting' | 'failed'
  /** What it tells the latest of; null where it stands for itself. */
  readonly about: string | null
}

const SHOWN_MS = 6_000
const colors = { done: 'teal', waiting: 'yellow', failed: 'red' } as const
let toasts: readonly Toast[] = []
let nextId = 1
const listeners = new Set<() => void>()

/** Shows a toast for some seconds; failures stay until they are closed. One about something takes the place of the one before about the same. */
export function toast(text: string, kind: Toast['kind'] = 'done', about: string | null = null): void {
  const id = nextId++
  change([...toasts.filter((each) => about === null || each.about !== about), { id, text, kind, about }])
  if (kind === 'done') setTimeout(() => close(id), SHOWN_MS)
}

function close(id: number): void {
  change(toasts.filter((each) => each.id !== id))
}

function change(next: readonly Toast[]): void {
  toasts = next
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** Where toasts appear; once, at the root. */
export function Toasts() {
  const { t } = useTranslation()
  const shown = useSyncExternalStore(subscribe, () => toasts)
  return (
    <Stack
      pos="fixed"
      bottom="1rem"
      right="1rem"
      w="min(24rem, calc(100vw - 2rem))"
      style={{ zIndex: 1000 }}
      aria-live="polite"
    >
      {shown.map(({ id, text, kind }) => (
        <Notification
          key={id}
          color={colors[kind]}
          onClose={() => close(id)}
          closeButtonProps={{ 'aria-label': t('actions.close') }}
          withBorder
        >
          {text}
        </Notification>
      ))}
    </Stack>
  )
}
