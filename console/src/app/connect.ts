import { useSyncExternalStore } from 'react'

/** Where somebody enters the wizard that connects storage, and with what. */
export interface Connecting {
  readonly step: 'integration' | 'driver' | 'dataset'
  /** An integration to be looked at or changed instead of a new one; at the driver step, the one to begin with. */
  readonly integrationId?: string
  /** A driver to be changed; at the dataset step, the one to begin with. */
  readonly driverId?: string
}

let open: Connecting | null = null
const listeners = new Set<() => void>()

/** Opens the wizard at one of its steps, from any page. */
export function openConnect(at: Connecting): void {
  change(at)
}

/** Closes the wizard. */
export function closeConnect(): void {
  change(null)
}

/** Where the wizard is to stand; null while it is closed. */
export function useConnecting(): Connecting | null {
  return useSyncExternalStore(subscribe, () => open)
}

function change(next: Connecting | null): void {
  open = next
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
