import { ActionIcon, Button, Code, CopyButton, Group, Select, Table, Text } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { SkipReason } from '#contract/skip-reasons.ts'
import { useDataset } from '../../app/dataset.ts'
import { DatasetFrame } from '../../app/dataset-frame.tsx'
import { api } from '../../app/session.ts'
import { formatBytes, formatCount, formatTime } from '../../ui/format.ts'
import { Icon } from '../../ui/icon.tsx'
import { Empty, Failed, Loading } from '../../ui/states.tsx'
import { WideTable } from '../../ui/wide-table.tsx'

const PAGE = 100

/** Keys of the bucket that cannot become items, each with its reason. */
export function SkippedPage() {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const { datasetId } = useParams({ from: '/shell/datasets/$datasetId/skipped' })
  const { reason } = useSearch({ from: '/shell/datasets/$datasetId/skipped' })
  const dataset = useDataset(datasetId)
  const counts = useQuery({
    queryKey: ['counts', datasetId, '/'],
    queryFn: ({ signal }) => api.countItems({ params: { datasetId }, query: { dir: '/' }, signal }),
  })
  const reasons = counts.data?.skipped ?? []
  // A reason that somebody typed into the address and that nothing has is none.
  const chosen = reasons.find((each) => each.reason === reason)?.reason as SkipReason | undefined
  const skipped = useInfiniteQuery({
    queryKey: ['skipped', datasetId, chosen ?? null],
    queryFn: ({ pageParam, signal }) =>
      api.listSkipped({
        params: { datasetId },
        query: { limit: PAGE, ...(chosen && { reason: chosen }), ...(pageParam !== null && { after: pageParam }) },
        signal,
      }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => next,
    enabled: counts.data !== undefined,
  })
  if (dataset.error) return <Failed error={dataset.error} retry={() => dataset.refetch()} />
  const error = counts.error ?? skipped.error
  const total = reasons.reduce((sum, { keys }) => sum + keys, 0)
  const keys = skipped.data?.pages.flatMap((page) => page.skipped) ?? []
  return (
    <DatasetFrame
      datasetId={datasetId}
      title={t('syncs.skipped.title')}
      figures={counts.data === undefined ? undefined : t('syncs.skipped.some', { count: total })}
    >
      {error ? (
        <Failed error={error} retry={() => void Promise.all([counts.refetch(), skipped.refetch()])} />
      ) : counts.isPending || skipped.isPending ? (
        <Loading />
      ) : total === 0 && keys.length === 0 ? (
        <Empty title={t('syncs.skipped.none')} text={t('syncs.skipped.noneText')} />
      ) : (
        <>
          <Text size="sm" mb="xs">
            {t('syncs.skipped.text')}
          </Text>
          <Select
            label={t('syncs.skipped.reason')}
            placeholder={t('syncs.skipped.every')}
            clearable
            maw="40rem"
            mb="sm"
            data={reasons.map(({ reason: each, message, keys: count }) => ({
              value: each,
              label: `${message} (${formatCount(count)})`,
            }))}
            value={chosen ?? null}
            onChange={(next) =>
              void navigate({
                to: '/datasets/$datasetId/skipped',
                params: { datasetId },
                search: next === null ? {} : { reason: next },
                replace: true,
              })
            }
          />
          <Keys keys={keys} />
          {skipped.hasNextPage && (
            <Button
              mt="md"
              variant="default"
              loading={skipped.isFetchingNextPage}
              onClick={() => skipped.fetchNextPage()}
            >
              {t('syncs.skipped.more')}
            </Button>
          )}
        </>
      )}
    </DatasetFrame>
  )
}

type Key = Awaited<ReturnType<typeof api.listSkipped>>['skipped'][number]

function Keys({ keys }: { keys: readonly Key[] }) {
  const { t } = useTranslation()
  return (
    <WideTable minWidth={720} secondary={[3, 4]}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('syncs.skipped.key')}</Table.Th>
          <Table.Th>{t('syncs.skipped.reason')}</Table.Th>
          <Table.Th ta="right">{t('syncs.skipped.size')}</Table.Th>
          <Table.Th>{t('syncs.skipped.found')}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {keys.map(({ key, keyB64, message, size, foundAt }) => (
          <Table.Tr key={keyB64}>
            <Table.Td>
              <Group gap={4} wrap="nowrap">
                <Code className="name">{key}</Code>
                <CopyButton value={keyB64}>
                  {({ copied, copy }) => (
                    <ActionIcon
                      size="sm"
                      variant="subtle"
                      color={copied ? 'teal' : 'gray'}
                      onClick={copy}
                      aria-label={t('actions.copy', { what: t('syncs.skipped.copyKey') })}
                      title={t('actions.copy', { what: t('syncs.skipped.copyKey') })}
                    >
                      <Icon name={copied ? 'check' : 'copy'} size={14} />
                    </ActionIcon>
                  )}
                </CopyButton>
              </Group>
            </Table.Td>
            <Table.Td>{message}</Table.Td>
            <Table.Td ta="right" style={{ whiteSpace: 'nowrap' }}>
              {formatBytes(size)}
            </Table.Td>
            <Table.Td style={{ whiteSpace: 'nowrap' }}>{formatTime(foundAt)}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  )
}
