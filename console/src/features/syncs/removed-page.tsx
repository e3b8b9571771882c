import { Alert, Button, Checkbox, Group, Select, Table, Text } from '@mantine/core'
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { RemovedItem } from '#contract/item-marks.ts'
import { useDataset } from '../../app/dataset.ts'
import { DatasetFrame, useDatasetRights } from '../../app/dataset-frame.tsx'
import { api } from '../../app/session.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { formatBytes, formatTime } from '../../ui/format.ts'
import { Reasoned } from '../../ui/reasoned.tsx'
import { Empty, Failed, Loading } from '../../ui/states.tsx'
import { toast } from '../../ui/toasts.tsx'
import { WideTable } from '../../ui/wide-table.tsx'

const reasons = ['gone', 'excluded', 'cleared'] as const
type Reason = (typeof reasons)[number]
const finals = ['success', 'failed', 'timeout', 'canceled', 'aborted']

/** What was taken out of a dataset in the last 30 days, to be put back. */
export function RemovedPage() {
  const { t } = useTranslation()
  const { datasetId } = useParams({ from: '/shell/datasets/$datasetId/removed' })
  const [reason, setReason] = useState<Reason | null>(null)
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const [isAskingAll, setAskingAll] = useState(false)
  const dataset = useDataset(datasetId)
  const rights = useDatasetRights(datasetId)
  const removed = useInfiniteQuery({
    queryKey: ['removed', datasetId, reason],
    queryFn: ({ pageParam, signal }) =>
      api.listRemoved({
        params: { datasetId },
        query: { ...(reason && { reason }), ...(pageParam !== null && { after: pageParam }) },
        signal,
      }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => next,
  })
  const { restore, work } = useRestore(datasetId, () => {
    setChosen(new Set())
    setAskingAll(false)
  })
  if (dataset.error) return <Failed error={dataset.error} retry={() => dataset.refetch()} />
  const items = removed.data?.pages.flatMap((page) => page.removed) ?? []
  const isReadonly = dataset.data?.readonly === true
  const refusal = !rights.isDeveloper ? t('syncs.needsDeveloper') : isReadonly ? t('syncs.isReadonly') : null
  const isBusy = restore.isPending || work.isRunning
  return (
    <DatasetFrame
      datasetId={datasetId}
      title={t('syncs.removed.title')}
      figures={t('syncs.removed.text')}
      actions={
        items.length > 0 && (
          <Reasoned reason={refusal}>
            <Group gap="xs">
              <Button
                disabled={refusal !== null || chosen.size === 0 || isBusy}
                onClick={() => restore.mutate({ ids: [...chosen] })}
              >
                {t('syncs.removed.restore', { count: chosen.size })}
              </Button>
              <Button variant="default" disabled={refusal !== null || isBusy} onClick={() => setAskingAll(true)}>
                {t('syncs.removed.restoreAll')}
              </Button>
            </Group>
          </Reasoned>
        )
      }
    >
      {work.isRunning && (
        <Alert color="blue" role="status" mb="sm">
          {t('syncs.removed.working', { count: work.count, percent: work.percent })}
        </Alert>
      )}
      {restore.error && !isAskingAll && <Failed error={restore.error} />}
      {(items.length > 0 || reason !== null) && (
        <Select
          label={t('syncs.removed.reason')}
          placeholder={t('syncs.removed.every')}
          clearable
          maw="16rem"
          mb="sm"
          data={reasons.map((each) => ({ value: each, label: t(`syncs.removed.reasons.${each}`) }))}
          value={reason}
          onChange={(next) => {
            setReason(next as Reason | null)
            setChosen(new Set())
          }}
        />
      )}
      {removed.error ? (
        <Failed error={removed.error} retry={() => removed.refetch()} />
      ) : removed.isPending ? (
        <Loading />
      ) : items.length === 0 ? (
        <Empty
          title={t('syncs.removed.none')}
          text={reason === null ? t('syncs.removed.noneText') : t('syncs.removed.noneOfReason')}
        />
      ) : (
        <Items items={items} chosen={chosen} setChosen={setChosen} />
      )}
      {removed.hasNextPage && (
        <Button mt="md" variant="default" loading={removed.isFetchingNextPage} onClick={() => removed.fetchNextPage()}>
          {t('syncs.removed.more')}
        </Button>
      )}
      {isAskingAll && (
        <Confirm
          title={t('syncs.removed.restoreAllTitle')}
          deed={t('syncs.removed.restoreAllTitle')}
          isBusy={restore.isPending}
          error={restore.error}
          confirm={() => restore.mutate({ all: true })}
          close={() => setAskingAll(false)}
        >
          <Text size="sm">{t('syncs.removed.restoreAllText')}</Text>
        </Confirm>
      )}
    </DatasetFrame>
  )
}

function Items(props: {
  items: readonly RemovedItem[]
  chosen: ReadonlySet<string>
  setChosen: (chosen: ReadonlySet<string>) => void
}) {
  const { items, chosen, setChosen } = props
  const { t } = useTranslation()
  const areAll = items.every(({ id }) => chosen.has(id))
  const turn = (id: string) => {
    const next = new Set(chosen)
    if (!next.delete(id)) next.add(id)
    setChosen(next)
  }
  return (
    <WideTable minWidth={760} secondary={[4, 5]}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th w={40}>
            <Checkbox
              aria-label={t('syncs.removed.chooseAll')}
              checked={areAll}
              indeterminate={!areAll && chosen.size > 0}
              onChange={() => setChosen(areAll ? new Set() : new Set(items.map(({ id }) => id)))}
            />
          </Table.Th>
          <Table.Th>{t('syncs.removed.name')}</Table.Th>
          <Table.Th>{t('syncs.removed.reason')}</Table.Th>
          <Table.Th ta="right">{t('syncs.removed.size')}</Table.Th>
          <Table.Th>{t('syncs.removed.removedAt')}</Table.Th>
          <Table.Th>{t('syncs.removed.until')}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {items.map((item) => (
          <Table.Tr key={item.id}>
            <Table.Td>
              <Checkbox
                aria-label={t('syncs.removed.choose', { name: item.filename })}
                checked={chosen.has(item.id)}
                onChange={() => turn(item.id)}
              />
            </Table.Td>
            <Table.Td className="name">{item.filename}</Table.Td>
            <Table.Td>{t(`syncs.removed.reasons.${item.reason}`)}</Table.Td>
            <Table.Td ta="right">{formatBytes(item.size)}</Table.Td>
            <Table.Td>{formatTime(item.removedAt)}</Table.Td>
            <Table.Td>{formatTime(item.restorableUntil)}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  )
}

/** Puts items back. Many are a command, which is looked at until it has ended. */
function useRestore(datasetId: string, onTaken: () => void) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const [started, setStarted] = useState<{ commandId: string; count: number } | null>(null)
  const refresh = () => {
    for (const noun of ['removed', 'items', 'folders', 'counts', 'dataset'])
      void queries.invalidateQueries({ queryKey: [noun, datasetId] })
  }
  const restore = useMutation({
    mutationFn: (which: { all: true } | { ids: string[] }) =>
      api.restoreRemoved({ params: { datasetId }, body: which }),
    onSuccess: ({ count, command }) => {
      onTaken()
      if (command !== null) setStarted({ commandId: command.id, count })
      else toast(t('syncs.removed.restored', { count }))
      refresh()
    },
  })
  const command = useQuery({
    queryKey: ['commands', started?.commandId],
    queryFn: ({ signal }) => api.getCommand({ params: { commandId: started!.commandId }, signal }),
    enabled: started !== null,
    refetchInterval: ({ state }) => (finals.includes(state.data?.status ?? '') ? false : 1_000),
  })
  const { status, error } = command.data ?? {}
  // biome-ignore lint/correctness/useExhaustiveDependencies: said once, when the command ends.
  useEffect(() => {
    if (started === null || !finals.includes(status ?? '')) return
    setStarted(null)
    if (status === 'success') toast(t('syncs.removed.restored', { count: started.count }))
    else toast(t('syncs.removed.failed', { why: error ?? String(status) }), 'failed')
    refresh()
  }, [status, started])
  const percent = Math.floor(command.data?.progress ?? 0)
  return { restore, work: { isRunning: started !== null, count: started?.count ?? 0, percent } }
}
