import { Button, Table, Text } from '@mantine/core'
import { useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { SyncCount, SyncRun } from '#contract/syncs.ts'
import { useDataset } from '../../app/dataset.ts'
import { DatasetFrame, useDatasetRights } from '../../app/dataset-frame.tsx'
import { formatDuration } from '../../app/duration.ts'
import { SyncDialog } from '../../app/sync-dialog.tsx'
import { useSyncs } from '../../app/syncs.ts'
import { formatCount, formatTime } from '../../ui/format.ts'
import { Icon } from '../../ui/icon.tsx'
import { PageLink } from '../../ui/link.tsx'
import { Reasoned } from '../../ui/reasoned.tsx'
import { Empty, Failed, Loading } from '../../ui/states.tsx'
import { WideTable } from '../../ui/wide-table.tsx'
import { OpenRun } from './open-run.tsx'
import { countsOf, isOpen, kindOf, refusalOf, secondsOf } from './run-facts.ts'
import { RunState } from './run-state.tsx'

/** Counts that have a column; a run's own page has all of them. */
const shownCounts = ['listed', 'added', 'changed', 'missing', 'removed', 'skipped'] as const satisfies SyncCount[]

/** The syncs of a dataset: the one that works or waits above, the last hundred below. */
export function SyncsPage() {
  const { t } = useTranslation()
  const { datasetId } = useParams({ from: '/shell/datasets/$datasetId/syncs' })
  const [isStarting, setStarting] = useState(false)
  const dataset = useDataset(datasetId)
  const rights = useDatasetRights(datasetId)
  const syncs = useSyncs(datasetId)
  if (dataset.error) return <Failed error={dataset.error} retry={() => dataset.refetch()} />
  if (syncs.error) return <Failed error={syncs.error} retry={() => syncs.refetch()} />
  if (dataset.isPending || syncs.isPending || !rights.isKnown) return <Loading />
  const { items, lastSyncedAt } = syncs.data
  const refusal = refusalOf(dataset.data, rights.isDeveloper, items)
  const open = items.find(isOpen)
  const startButton = (
    <Reasoned reason={refusal === null ? null : t(`syncs.${refusal}`)}>
      <Button
        leftSection={<Icon name="sync" size={16} />}
        disabled={refusal !== null}
        onClick={() => setStarting(true)}
      >
        {t('syncs.sync')}
      </Button>
    </Reasoned>
  )
  const isHosted = dataset.data.driver === null
  return (
    <DatasetFrame
      datasetId={datasetId}
      title={t('syncs.title')}
      figures={
        lastSyncedAt === null
          ? t('datasetFrame.neverSynced')
          : t('datasetFrame.lastSynced', { when: formatTime(lastSyncedAt) })
      }
      actions={items.length > 0 && startButton}
    >
      {open !== undefined && <OpenRun run={open} dataset={dataset.data} rights={rights} isLinked />}
      {items.length === 0 ? (
        <Empty
          title={t('syncs.emptyTitle')}
          text={isHosted ? t('syncs.emptyHosted') : t('syncs.emptyText')}
          action={isHosted ? undefined : startButton}
        />
      ) : (
        <History datasetId={datasetId} runs={items} />
      )}
      {isStarting && <SyncDialog dataset={dataset.data} isFollowed close={() => setStarting(false)} />}
    </DatasetFrame>
  )
}

function History({ datasetId, runs }: { datasetId: string; runs: readonly SyncRun[] }) {
  const { t } = useTranslation()
  return (
    <WideTable minWidth={860} secondary={[3, 4, 6, 8, 9, 10]} highlightOnHover>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('syncs.when')}</Table.Th>
          <Table.Th>{t('syncs.state')}</Table.Th>
          <Table.Th>{t('syncs.kind')}</Table.Th>
          {shownCounts.map((name) => (
            <Table.Th key={name} ta="right">
              {t(`syncs.counts.${name}`)}
            </Table.Th>
          ))}
          <Table.Th ta="right">{t('syncs.took')}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {runs.map((run) => (
          <Row key={run.commandId} datasetId={datasetId} run={run} />
        ))}
      </Table.Tbody>
    </WideTable>
  )
}

function Row({ datasetId, run }: { datasetId: string; run: SyncRun }) {
  const { t } = useTranslation()
  const counts = countsOf(run)
  // One that waits takes no time of its own.
  const seconds = run.state === 'paused' || run.state === 'parked' ? null : secondsOf(run, Date.now())
  return (
    <Table.Tr>
      <Table.Td style={{ whiteSpace: 'nowrap' }}>
        <PageLink to="/datasets/$datasetId/syncs/$commandId" params={{ datasetId, commandId: run.commandId }} size="sm">
          {formatTime(run.createdAt)}
        </PageLink>
      </Table.Td>
      <Table.Td>
        <RunState state={run.state} />
      </Table.Td>
      <Table.Td>
        <Text size="sm">
          {t(`syncs.kinds.${kindOf(run)}`)}
          {run.options.scheduled === true && `, ${t('syncs.scheduled')}`}
        </Text>
      </Table.Td>
      {shownCounts.map((name) => (
        <Table.Td key={name} ta="right" {...(counts[name] === 0 && { c: 'dimmed' })}>
          {formatCount(counts[name])}
        </Table.Td>
      ))}
      <Table.Td ta="right" style={{ whiteSpace: 'nowrap' }}>
        {seconds === null ? '–' : formatDuration(t, seconds)}
      </Table.Td>
    </Table.Tr>
  )
}
