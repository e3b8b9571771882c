import { Badge } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { SyncRun } from '#contract/syncs.ts'

const colors: Record<SyncRun['state'], string> = {
  queued: 'gray',
  running: 'blue',
  paused: 'gray',
  parked: 'orange',
  success: 'teal',
  failed: 'red',
  canceled: 'gray',
}

/** The state of a run in a word. */
export function RunState({ state }: { state: SyncRun['state'] }) {
  const { t } = useTranslation()
  return (
    <Badge variant="light" color={colors[state]} miw="max-content" style={{ flexShrink: 0 }}>
      {t(`syncs.states.${state}`)}
    </Badge>
  )
}
