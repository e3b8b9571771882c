import { Alert, Button, Group, Loader, Stack, Table, Text } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import type { Dataset } from '#contract/datasets.ts'
import { api } from '../../app/session.ts'
import { FormProblem } from '../../ui/form-problem.tsx'
import { formatCount } from '../../ui/format.ts'
import { Reasoned } from '../../ui/reasoned.tsx'
import { Failed } from '../../ui/states.tsx'

const ASKED_MS = 1_000
const over: ReadonlySet<string> = new Set(['success', 'failed', 'canceled', 'parked'])

/** Counts what a first sync would add, compares it with the free data points, and starts it when somebody says so. */
export function FirstSync({ dataset, leave }: { dataset: Dataset; leave: () => Promise<void> }) {
  const { t } = useTranslation()
  const params = { datasetId: dataset.id }
  const plan = useQuery({
    queryKey: ['firstSync', dataset.id],
    queryFn: () => api.syncDataset({ params, body: { dryRun: true } }),
    // Begun once, however often the window is looked at.
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  })
  const run = useQuery({
    queryKey: ['syncs', dataset.id, plan.data?.id],
    queryFn: ({ signal }) => api.getSync({ params: { ...params, commandId: plan.data!.id }, signal }),
    enabled: plan.data !== undefined,
    refetchInterval: (query) => (over.has(query.state.data?.state ?? '') ? false : ASKED_MS),
  })
  const start = useMutation({ mutationFn: () => api.syncDataset({ params, body: {} }), onSuccess: leave })
  const error = plan.error ?? run.error
  if (error) return <Failed error={error} retry={() => void (plan.error ? plan.refetch() : run.refetch())} />
  const found = run.data
  const isOver = found !== undefined && over.has(found.state)
  const hasFailed = isOver && found.state !== 'success'
  const points = found?.report.dataPoints
  const missing = points === undefined || points.free === null ? 0 : points.needed - points.free
  return (
    <Stack>
      <Group gap="sm" role="status">
        {!isOver && <Loader size="sm" />}
        <Text fw={600}>
          {t(!isOver ? 'wizard.counting' : hasFailed ? 'wizard.countFailed' : 'wizard.counted', {
            shown: formatCount(found?.counts.listed ?? 0),
          })}
        </Text>
      </Group>
      {hasFailed && (
        <Alert color="red" className="name">
          {found.error ?? found.state}
        </Alert>
      )}
      {isOver && !hasFailed && (
        <Numbers added={points?.needed ?? found.counts.added} free={points?.free ?? null} run={found} />
      )}
      {missing > 0 && (
        <Alert color="orange" title={t('wizard.quotaTitle')}>
          {t('wizard.quotaText', { count: missing })}
        </Alert>
      )}
      <FormProblem error={start.error} />
      <Group justify="flex-end">
        <Button variant="default" onClick={() => void leave()}>
          {t('wizard.later')}
        </Button>
        <Reasoned reason={missing > 0 ? t('wizard.quotaTitle') : null}>
          <Button
            onClick={() => start.mutate()}
            loading={start.isPending}
            disabled={!isOver || hasFailed || missing > 0}
          >
            {t('wizard.startSync')}
          </Button>
        </Reasoned>
      </Group>
    </Stack>
  )
}

type Run = Awaited<ReturnType<typeof api.getSync>>

function Numbers({ added, free, run }: { added: number; free: number | null; run: Run }) {
  const { t } = useTranslation()
  const rows = [
    [t('wizard.wouldAdd'), formatCount(added)],
    [t('wizard.skipped'), formatCount(run.counts.skipped)],
    [t('wizard.free'), free === null ? t('wizard.noLimit') : formatCount(free)],
  ] as const
  return (
    <Table>
      <Table.Tbody>
        {rows.map(([label, value]) => (
          <Table.Tr key={label}>
            <Table.Th>{label}</Table.Th>
            <Table.Td ta="right">{value}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}
