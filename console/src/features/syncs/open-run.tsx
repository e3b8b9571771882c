import { Box, Button, Card, Group, Progress, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Dataset } from '#contract/datasets.ts'
import type { SyncRun } from '#contract/syncs.ts'
import { formatDuration } from '../../app/duration.ts'
import { api } from '../../app/session.ts'
import { isWorking } from '../../app/sync-state.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { formatCount } from '../../ui/format.ts'
import { Icon } from '../../ui/icon.tsx'
import { PageLink } from '../../ui/link.tsx'
import { Reasoned } from '../../ui/reasoned.tsx'
import { Failed } from '../../ui/states.tsx'
import { Parked } from './parked.tsx'
import { kindOf, paceOf, rateOf, type Sample, waitingFor, withSample } from './run-facts.ts'
import { RunState } from './run-state.tsx'

/** What the caller may do with the dataset of a run. */
export interface Rights {
  readonly isDeveloper: boolean
  readonly isOwner: boolean
}

/** A run that works or waits: how far it is, what it waits for, and what can be done. `isLinked`: with the way to its own page. */
export function OpenRun(props: { run: SyncRun; dataset: Dataset; rights: Rights; isLinked?: boolean }) {
  const { run, dataset, rights, isLinked = false } = props
  const { t } = useTranslation()
  return (
    <Card withBorder mb="md" component="section" aria-label={t(`syncs.kinds.${kindOf(run)}`)}>
      <Group justify="space-between" gap="xs">
        <Group gap="xs">
          <RunState state={run.state} />
          {isLinked ? (
            <PageLink
              to="/datasets/$datasetId/syncs/$commandId"
              params={{ datasetId: dataset.id, commandId: run.commandId }}
              fw={600}
            >
              {t(`syncs.kinds.${kindOf(run)}`)}
            </PageLink>
          ) : (
            <Text fw={600}>{t(`syncs.kinds.${kindOf(run)}`)}</Text>
          )}
        </Group>
        <Steering run={run} datasetId={dataset.id} rights={rights} />
      </Group>
      {isWorking(run) && <HowFar key={run.commandId} run={run} itemsKnown={dataset.itemsCount} />}
      {run.state === 'paused' && (
        <Box mt="xs">
          <Listed run={run} />
        </Box>
      )}
      {run.state === 'parked' && <Parked run={run} dataset={dataset} rights={rights} />}
    </Card>
  )
}

function Listed({ run }: { run: SyncRun }) {
  const { t } = useTranslation()
  const { listed, added, changed } = run.counts
  const parts = { listed, added, changed }
  return (
    <Text size="sm" c="dimmed">
      {(Object.keys(parts) as (keyof typeof parts)[])
        .map((name) => `${t(`syncs.counts.${name}`)} ${formatCount(parts[name])}`)
        .join(' · ')}
    </Text>
  )
}

function HowFar({ run, itemsKnown }: { run: SyncRun; itemsKnown: number }) {
  const { t } = useTranslation()
  const [samples, setSamples] = useState<readonly Sample[]>([])
  const { listed } = run.counts
  // One sample an answer of the server: `run` is new with each.
  useEffect(() => {
    if (run.phase === 'listing' && run.state === 'running')
      setSamples((before) => withSample(before, { atMs: Date.now(), listed }))
  }, [run, listed])
  const rate = rateOf(samples)
  const { percent, secondsLeft } = paceOf(run, itemsKnown, rate)
  const words = [
    rate !== null && t('syncs.rate', { rate: formatCount(Math.round(rate)) }),
    secondsLeft !== null && t('syncs.left', { left: formatDuration(t, secondsLeft) }),
  ].filter((word) => word !== false)
  return (
    <Box mt="xs">
      {run.state === 'running' && <Text size="sm">{t(`syncs.phases.${run.phase}`)}</Text>}
      <Progress
        value={percent ?? 100}
        animated={percent === null}
        striped={percent === null}
        aria-label={t('syncs.progress')}
        my={6}
      />
      <Listed run={run} />
      {words.length > 0 && (
        <Text size="sm" c="dimmed">
          {words.join(' · ')}
        </Text>
      )}
      {run.error !== null && (
        <Text size="sm" c="orange" className="name" role="status">
          {t('syncs.retrying', { why: run.error })}
        </Text>
      )}
      {run.options.isFirst === true && (
        <Text size="xs" c="dimmed">
          {t('syncs.endUnknown')}
        </Text>
      )}
    </Box>
  )
}

/** Pause, go on, cancel. */
function Steering({ run, datasetId, rights }: { run: SyncRun; datasetId: string; rights: Rights }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const [isCanceling, setCanceling] = useState(false)
  const params = { datasetId, commandId: run.commandId }
  const steer = useMutation({
    mutationFn: async (deed: 'pause' | 'resume' | 'cancel') => {
      if (deed === 'cancel') await api.abortCommand({ params: { commandId: run.commandId } })
      else await (deed === 'pause' ? api.pauseSync({ params }) : api.resumeSync({ params }))
    },
    onSuccess: (_none, deed) => {
      if (deed === 'cancel') setCanceling(false)
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ['syncs', datasetId] }),
  })
  const reason = rights.isDeveloper ? null : t('syncs.needsDeveloper')
  // A worker stops at the end of its page: until then the run still works.
  const isPausing = isWorking(run) && steer.variables === 'pause' && !steer.isError
  const canResume = run.state === 'paused' || waitingFor(run) === 'storage'
  return (
    <>
      <Reasoned reason={reason}>
        <Group gap="xs">
          {isWorking(run) && (
            <Button
              size="xs"
              variant="default"
              leftSection={<Icon name="pause" size={14} />}
              disabled={reason !== null || isPausing}
              onClick={() => steer.mutate('pause')}
            >
              {isPausing ? t('syncs.pausing') : t('syncs.pause')}
            </Button>
          )}
          {canResume && (
            <Button
              size="xs"
              leftSection={<Icon name="play" size={14} />}
              disabled={reason !== null}
              loading={steer.isPending && steer.variables === 'resume'}
              onClick={() => steer.mutate('resume')}
            >
              {t('syncs.resume')}
            </Button>
          )}
          <Button size="xs" variant="default" disabled={reason !== null} onClick={() => setCanceling(true)}>
            {t('syncs.cancel')}
          </Button>
        </Group>
      </Reasoned>
      {steer.error !== null && !isCanceling && <Failed error={steer.error} />}
      {isCanceling && (
        <Confirm
          title={t('syncs.cancel')}
          deed={t('syncs.cancel')}
          isBusy={steer.isPending}
          error={steer.variables === 'cancel' ? steer.error : null}
          confirm={() => steer.mutate('cancel')}
          close={() => setCanceling(false)}
        >
          {t('syncs.cancelText')}
        </Confirm>
      )}
    </>
  )
}
