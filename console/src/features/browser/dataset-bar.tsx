import { ActionIcon, Breadcrumbs, Button, Group, Loader, Text, Tooltip } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Dataset } from '#contract/datasets.ts'
import { formatCount, formatTime } from '../../ui/format.ts'
import { Icon } from '../../ui/icon.tsx'
import { PageLink } from '../../ui/link.tsx'
import { Reasoned } from '../../ui/reasoned.tsx'
import classes from './browser.module.css'
import { useLastSync } from './dataset-facts.ts'
import type { DatasetRights } from './dataset-rights.ts'

interface Props {
  dataset: Dataset
  dir: string
  rights: DatasetRights
  onDir: (dir: string) => void
  onFolders: () => void
  onUpload: () => void
  onSync: () => void
  onClone: () => void
  onInfo: () => void
}

/** Where one is in a dataset, how the dataset is, and what can be done with the whole of it. */
export function DatasetBar({ dataset, dir, rights, onDir, onFolders, onUpload, onSync, onClone, onInfo }: Props) {
  const { t } = useTranslation()
  return (
    <Group justify="space-between" gap="xs" wrap="nowrap" align="flex-start">
      <Group gap={4} wrap="nowrap" miw={0} align="flex-start">
        <ActionIcon variant="default" hiddenFrom="md" onClick={onFolders} aria-label={t('browser.folders')}>
          <Icon name="folder" size={18} />
        </ActionIcon>
        <div className={classes.where}>
          <Path name={dataset.name} dir={dir} onOpen={onDir} />
          <SyncState dataset={dataset} isSyncable={rights.isSyncable} />
        </div>
      </Group>
      <Group gap="xs" wrap="nowrap" className={classes.actions}>
        {rights.isDeveloper && (
          <>
            <Reasoned reason={rights.write}>
              <Button
                size="xs"
                variant="default"
                leftSection={<Icon name="upload" size={16} />}
                disabled={rights.write !== null}
                onClick={onUpload}
              >
                {t('browser.upload.button')}
              </Button>
            </Reasoned>
            <Button size="xs" variant="default" leftSection={<Icon name="clone" size={16} />} onClick={onClone}>
              {t('browser.clone')}
            </Button>
            {rights.isSyncable && (
              <Reasoned reason={rights.write ?? (dataset.isSyncing ? t('browser.sync.already') : null)}>
                <Button
                  size="xs"
                  leftSection={<Icon name="sync" size={16} />}
                  disabled={rights.write !== null || dataset.isSyncing}
                  onClick={onSync}
                >
                  {t('browser.sync.button')}
                </Button>
              </Reasoned>
            )}
          </>
        )}
        <Tooltip label={t('browser.about')}>
          <ActionIcon variant="default" size="md" onClick={onInfo} aria-label={t('browser.about')}>
            <Icon name="info" size={18} />
          </ActionIcon>
        </Tooltip>
      </Group>
    </Group>
  )
}

/** Whether it is syncing and how far, or when that was last; what stopped it is told with the way to it. */
function SyncState({ dataset, isSyncable }: { dataset: Dataset; isSyncable: boolean }) {
  const { t } = useTranslation()
  const { data } = useLastSync(dataset.id, isSyncable, dataset.isSyncing)
  if (!isSyncable || data === undefined) return null
  const latest = data.items[0]
  const params = { datasetId: dataset.id }
  if (latest !== undefined && (latest.state === 'parked' || latest.state === 'failed' || latest.state === 'paused'))
    return (
      <PageLink
        to="/datasets/$datasetId/syncs/$commandId"
        params={{ ...params, commandId: latest.commandId }}
        size="xs"
        pl={8}
        c={latest.state === 'paused' ? 'indigo' : 'red'}
        title={latest.error ?? undefined}
      >
        {t(`browser.sync.${latest.state}`)}
      </PageLink>
    )
  if (dataset.isSyncing)
    return (
      <Group gap={6} role="status" pl={8} wrap="nowrap">
        <Loader size={12} />
        <PageLink to="/datasets/$datasetId/syncs" params={params} size="xs">
          {t('browser.sync.going', { listed: formatCount(latest?.counts.listed ?? 0) })}
        </PageLink>
      </Group>
    )
  return (
    <Text size="xs" c="dimmed" pl={8} truncate>
      {data.lastSyncedAt === null
        ? t('browser.sync.never')
        : t('browser.sync.last', { time: formatTime(data.lastSyncedAt) })}
    </Text>
  )
}

function Path({ name, dir, onOpen }: { name: string; dir: string; onOpen: (dir: string) => void }) {
  const parts = dir === '/' ? [] : dir.slice(1).split('/')
  return (
    <Breadcrumbs separatorMargin={4} style={{ flexWrap: 'wrap', minWidth: 0 }}>
      <Button size="compact-sm" variant="subtle" fw={700} onClick={() => onOpen('/')}>
        {name}
      </Button>
      {parts.map((part, index) => {
        const path = `/${parts.slice(0, index + 1).join('/')}`
        return (
          <Button key={path} size="compact-sm" variant="subtle" onClick={() => onOpen(path)}>
            {part}
          </Button>
        )
      })}
    </Breadcrumbs>
  )
}
