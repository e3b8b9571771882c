import { Alert, Button, Card, Code, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Dataset } from '#contract/datasets.ts'
import type { SyncCount, SyncRun } from '#contract/syncs.ts'
import { useDataset } from '../../app/dataset.ts'
import { DatasetFrame, useDatasetRights } from '../../app/dataset-frame.tsx'
import { formatDuration } from '../../app/duration.ts'
import { api } from '../../app/session.ts'
import { useSyncs } from '../../app/syncs.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { formatCount, formatTime } from '../../ui/format.ts'
import { PageLink } from '../../ui/link.tsx'
import { Reasoned } from '../../ui/reasoned.tsx'
import { Failed, Loading } from '../../ui/states.tsx'
import { OpenRun, type Rights } from './open-run.tsx'
import { AbsentFiles, AbsentText, Files } from './parked.tsx'
import { useSync } from './queries.ts'
import { countsOf, isOpen, kindOf, refusalOf, secondsOf } from './run-facts.ts'
import { RunState } from './run-state.tsx'

/** Those that say what became of items stand even when they are 0; the others only when there is something. */
const always: readonly SyncCount[] = ['listed', 'added', 'changed', 'unchanged', 'missing']
const sometimes: readonly SyncCount[] = [
  'returned',
  'moved',
  'removed',
  'excluded',
  'skipped',
  'overQuota',
  'markers',
  'hidden',
  'requests',
]

/** One sync: how far it is, what it found, what it waits for; of a plan what a sync would do. */
export function RunPage() {
  const { t } = useTranslation()
  const { datasetId, commandId } = useParams({ from: '/shell/datasets/$datasetId/syncs/$commandId' })
  const dataset = useDataset(datasetId)
  const rights = useDatasetRights(datasetId)
  const sync = useSync(datasetId, commandId)
  if (dataset.error) return <Failed error={dataset.error} retry={() => dataset.refetch()} />
  if (sync.error) return <Failed error={sync.error} retry={() => sync.refetch()} />
  if (dataset.isPending || sync.isPending || !rights.isKnown) return <Loading />
  const run = sync.data
  const seconds = secondsOf(run, Date.now())
  const figures = [
    formatTime(run.createdAt),
    run.options.scheduled === true && t('syncs.scheduled'),
    run.finishedAt !== null && seconds !== null && `${t('syncs.took')} ${formatDuration(t, seconds)}`,
  ]
  return (
    <DatasetFrame
      datasetId={datasetId}
      title={t(`syncs.kinds.${kindOf(run)}`)}
      figures={figures.filter((figure) => figure !== false).join(' · ')}
      actions={
        <>
          {!isOpen(run) && <RunState state={run.state} />}
          <PageLink to="/datasets/$datasetId/syncs" params={{ datasetId }} size="sm">
            {t('syncs.back')}
          </PageLink>
        </>
      }
    >
      {isOpen(run) && <OpenRun run={run} dataset={dataset.data} rights={rights} />}
      {run.state === 'failed' && <WhyFailed run={run} />}
      {run.options.dryRun === true && run.state === 'success' && (
        <Plan run={run} dataset={dataset.data} rights={rights} />
      )}
      <Title order={3} size="h4" mb="xs">
        {run.options.dryRun === true ? t('syncs.wouldFind') : t('syncs.found')}
      </Title>
      <Counts run={run} />
      {run.state !== 'parked' && <Report run={run} datasetId={datasetId} />}
    </DatasetFrame>
  )
}

function Counts({ run }: { run: SyncRun }) {
  const { t } = useTranslation()
  const counts = countsOf(run)
  const shown = [...always, ...sometimes.filter((name) => counts[name] > 0)]
  return (
    <SimpleGrid cols={{ base: 2, xs: 3, sm: 5 }} spacing="sm" component="dl" m={0} mb="md">
      {shown.map((name) => (
        <Card key={name} withBorder padding="xs">
          <Text size="xs" c="dimmed" component="dt">
            {t(`syncs.counts.${name}`)}
          </Text>
          <Text size="lg" fw={600} component="dd" m={0}>
            {formatCount(counts[name])}
          </Text>
        </Card>
      ))}
    </SimpleGrid>
  )
}

function WhyFailed({ run }: { run: SyncRun }) {
  const { t } = useTranslation()
  const advice =
    run.errorCode === 'quota.exceeded' ? 'quota' : run.errorCode === 'sync.driver_changed' ? 'driverChanged' : 'again'
  return (
    <Alert color="red" title={t('syncs.failed.title')} mb="md">
      <Stack gap="xs" align="flex-start">
        <Text size="sm" className="name">
          {run.error}
        </Text>
        {run.errorCode !== null && <Code>{run.errorCode}</Code>}
        <DataPoints run={run} />
        <Text size="sm">{t(`syncs.failed.${advice}`)}</Text>
        {advice === 'quota' && (
          <PageLink to="/settings" search={{ tab: 'organization' }} size="sm" c="inherit" underline="always">
            {t('syncs.failed.toLimit')}
          </PageLink>
        )}
      </Stack>
    </Alert>
  )
}

function DataPoints({ run }: { run: SyncRun }) {
  const { t } = useTranslation()
  const points = run.report.dataPoints
  if (points === undefined) return null
  const needed = formatCount(points.needed)
  return (
    <Text size="sm">
      {points.free === null
        ? t('syncs.plan.neededOpen', { needed })
        : t('syncs.plan.needed', { needed, free: formatCount(points.free) })}
    </Text>
  )
}

function Plan({ run, dataset, rights }: { run: SyncRun; dataset: Dataset; rights: Rights }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const syncs = useSyncs(dataset.id)
  const reconcile = run.options.reconcile === true
  const apply = useMutation({
    mutationFn: () =>
      api.syncDataset({
        params: { datasetId: dataset.id },
        body: { apply: run.commandId, ...(reconcile && { reconcile }) },
      }),
    onSuccess: async ({ id: commandId }) => {
      void queries.invalidateQueries({ queryKey: ['syncs', dataset.id] })
      await navigate({ to: '/datasets/$datasetId/syncs/$commandId', params: { datasetId: dataset.id, commandId } })
    },
  })
  const points = run.report.dataPoints
  const isShort = points !== undefined && points.free !== null && points.needed > points.free
  const { absent } = run.report
  // Doing what a plan says approves it: what the brake would stop, and what removes, is asked for as the brake asks.
  const needsWord = (absent?.count ?? 0) > 0 && (reconcile || absent?.brake != null)
  const [isAsking, setAsking] = useState(false)
  const refusal = refusalOf(dataset, rights.isDeveloper, syncs.data?.items ?? [])
  const changes =
    (absent?.count ?? 0) > 0 ||
    (['added', 'changed', 'missing', 'returned', 'moved', 'removed', 'excluded'] as const).some(
      (name) => run.counts[name] > 0,
    )
  return (
    <Alert
      color={isShort || (absent?.brake ?? null) !== null ? 'orange' : 'blue'}
      title={t('syncs.plan.title')}
      mb="md"
    >
      <Stack gap="xs" align="flex-start">
        {!changes && <Text size="sm">{t('syncs.plan.nothing')}</Text>}
        <DataPoints run={run} />
        {isShort && (
          <Text size="sm" fw={600}>
            {t('syncs.plan.short')}
          </Text>
        )}
        {absent?.brake != null && (
          <>
            <Text size="sm" fw={600}>
              {t('syncs.parked.wouldPark')} {t(`syncs.parked.${absent.brake}`)}.
            </Text>
            <AbsentText absent={absent} />
          </>
        )}
        {changes && (
          <>
            {(absent?.count ?? 0) > 0 && <Text size="sm">{t('syncs.plan.applyText')}</Text>}
            <Reasoned reason={refusal === null ? null : t(`syncs.${refusal}`)}>
              <Button
                {...(reconcile && { color: 'red' })}
                disabled={refusal !== null}
                loading={apply.isPending}
                onClick={() => (needsWord ? setAsking(true) : apply.mutate())}
              >
                {t('syncs.plan.apply')}
              </Button>
            </Reasoned>
          </>
        )}
        {apply.error && !isAsking && <Failed error={apply.error} />}
      </Stack>
      {isAsking && absent !== undefined && (
        <Confirm
          title={t(reconcile ? 'syncs.parked.approveRemoveTitle' : 'syncs.parked.approveTitle', {
            count: absent.count,
          })}
          deed={t('syncs.plan.apply')}
          typed={dataset.name}
          isBusy={apply.isPending}
          error={apply.error}
          confirm={() => apply.mutate()}
          close={() => setAsking(false)}
        >
          <Text size="sm">{t(reconcile ? 'syncs.parked.approveRemoveText' : 'syncs.parked.approveText')}</Text>
        </Confirm>
      )}
    </Alert>
  )
}

function Report({ run, datasetId }: { run: SyncRun; datasetId: string }) {
  const { t } = useTranslation()
  const { absent, skipped = [], missingSample = [] } = run.report
  const isEmpty = absent === undefined && skipped.length === 0 && missingSample.length === 0
  if (isEmpty) return null
  return (
    <Stack gap="md">
      {absent !== undefined && <AbsentFiles absent={absent} title={t('syncs.goneFiles')} />}
      {absent === undefined && missingSample.length > 0 && (
        <div>
          <Text size="sm" fw={600}>
            {t('syncs.goneFiles')}
          </Text>
          <Files names={missingSample} />
        </div>
      )}
      {skipped.map(({ reason, count, sample }) => (
        <div key={reason}>
          <Text size="sm" fw={600}>
            {t('syncs.skipped.some', { count })}: {reason}
          </Text>
          <Files names={sample} />
        </div>
      ))}
      {skipped.length > 0 && (
        <PageLink to="/datasets/$datasetId/skipped" params={{ datasetId }} size="sm">
          {t('syncs.skipped.all')}
        </PageLink>
      )}
    </Stack>
  )
}
