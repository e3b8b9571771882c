import { ActionIcon, Button, Code, Group, Stack, Text, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Dataset } from '#contract/datasets.ts'
import { formatBytes, formatCount, formatTime } from '../../ui/format.ts'
import { Icon } from '../../ui/icon.tsx'
import { PageLink } from '../../ui/link.tsx'
import type { useCounts } from './dataset-facts.ts'
import type { ChangeSearch } from './filter-bar.tsx'
import { Fact } from './item-side.tsx'

/** What is known of the dataset: counts, what is special about some of its items, and where to read more. */
export function DatasetSide({
  dataset,
  counts,
  change,
  isSyncable,
  onClose,
}: {
  dataset: Dataset
  counts: ReturnType<typeof useCounts>
  change: ChangeSearch
  isSyncable: boolean
  onClose: () => void
}) {
  const { t } = useTranslation()
  const params = { datasetId: dataset.id }
  const found = counts.data
  const skipped = (found?.skipped ?? []).reduce((sum, { keys }) => sum + keys, 0)
  return (
    <Stack p="sm" gap="sm">
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <Title order={3} size="h5" className="name">
          {dataset.name}
        </Title>
        <ActionIcon variant="subtle" color="gray" onClick={onClose} aria-label={t('browser.closeSide')}>
          <Icon name="cross" size={16} />
        </ActionIcon>
      </Group>
      <Fact label={t('browser.madeOf')}>{t(`browser.datasetTypes.${typeOf(dataset)}`)}</Fact>
      <Fact label={t('browser.datasetCreated')}>
        {formatTime(dataset.createdAt)} · {dataset.creator}
      </Fact>
      <Fact label={t('browser.datasetId')} copy={dataset.id}>
        <Code>{dataset.id}</Code>
      </Fact>
      <Fact label={t('browser.counts')}>
        {t('browser.items', { count: dataset.itemsCount, shown: formatCount(dataset.itemsCount) })}
        {found !== undefined && ` · ${formatBytes(found.bytes)}`}
        <br />
        {t('browser.annotatedCount', { count: dataset.annotated, shown: formatCount(dataset.annotated) })} ·{' '}
        {t('browser.annotations', { count: dataset.annotationsCount, shown: formatCount(dataset.annotationsCount) })}
      </Fact>
      {found !== undefined && (
        <Stack gap={4} align="flex-start">
          {(['missing', 'changed', 'excluded'] as const)
            .filter((kind) => found[kind] > 0)
            .map((kind) => (
              <Button
                key={kind}
                size="compact-xs"
                variant="light"
                color={kind === 'missing' ? 'red' : 'yellow'}
                onClick={() => change({ dir: undefined, deep: true, ...showOnly[kind] })}
              >
                {t(`browser.show.${kind}`, { count: found[kind], shown: formatCount(found[kind]) })}
              </Button>
            ))}
          {skipped > 0 && (
            <PageLink to="/datasets/$datasetId/skipped" params={params} size="sm">
              {t('browser.skipped', { count: skipped, shown: formatCount(skipped) })}
            </PageLink>
          )}
        </Stack>
      )}
      {isSyncable && (
        <Stack gap={4}>
          <PageLink to="/datasets/$datasetId/syncs" params={params} size="sm">
            {t('browser.toSyncs')}
          </PageLink>
          <PageLink to="/datasets/$datasetId/sync-settings" params={params} size="sm">
            {t('browser.toSyncSettings')}
          </PageLink>
          <PageLink to="/datasets/$datasetId/explain" params={params} size="sm">
            {t('browser.toExplain')}
          </PageLink>
        </Stack>
      )}
      <PageLink to="/datasets/$datasetId/removed" params={params} size="sm">
        {t('browser.toRemoved')}
      </PageLink>
      {counts.error !== null && (
        <Text size="xs" c="red">
          {counts.error.message}
        </Text>
      )}
    </Stack>
  )
}

const showOnly = {
  missing: { state: 'missing' },
  changed: { changed: true },
  excluded: { state: 'excluded' },
} as const

function typeOf({ readableType, driver }: Dataset): 'clone' | 'merge' | 'external' | 'platform' {
  if (readableType === 'clone' || readableType === 'merge') return readableType
  return driver === null ? 'platform' : 'external'
}
