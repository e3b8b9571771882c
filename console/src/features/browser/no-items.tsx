import { Button } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Dataset } from '#contract/datasets.ts'
import type { SyncRun } from '#contract/syncs.ts'
import { type BrowserSearch, isFiltered } from '../../app/view-search.ts'
import { PageLink } from '../../ui/link.tsx'
import { Empty } from '../../ui/states.tsx'
import { useLastSync } from './dataset-facts.ts'
import { type ChangeSearch, NO_FILTER } from './filter-bar.tsx'

interface Props {
  dataset: Dataset
  search: BrowserSearch
  change: ChangeSearch
  isSyncable: boolean
  /** Undefined for who may not sync. */
  onSync: (() => void) | undefined
}

/** Why there is no item to be seen, and what to do about it. */
export function NoItems({ dataset, search, change, isSyncable, onSync }: Props) {
  const { t } = useTranslation()
  const { data: syncs } = useLastSync(dataset.id, isSyncable, dataset.isSyncing)
  if (syncs?.lastSyncedAt === null && dataset.itemsCount === 0)
    return <NeverSynced dataset={dataset} latest={syncs.items[0]} onSync={onSync} />
  if (isFiltered(search))
    return (
      <Empty
        title={t('browser.noMatch')}
        text={t('browser.noMatchText')}
        action={<Button onClick={() => change(NO_FILTER)}>{t('browser.clearFilter')}</Button>}
      />
    )
  return (
    <Empty
      title={t('browser.emptyFolder')}
      text={t(search.deep === true ? 'browser.emptyDeepText' : 'browser.emptyFolderText')}
      action={
        search.deep === true ? undefined : (
          <Button onClick={() => change({ deep: true })}>{t('browser.showBelow')}</Button>
        )
      }
    />
  )
}

function NeverSynced({
  dataset,
  latest,
  onSync,
}: {
  dataset: Dataset
  latest: SyncRun | undefined
  onSync: (() => void) | undefined
}) {
  const { t } = useTranslation()
  if (dataset.isSyncing) return <Empty title={t('browser.sync.firstGoing')} text={t('browser.sync.firstGoingText')} />
  if (latest === undefined || latest.options.dryRun === true)
    return (
      <Empty
        title={t('browser.sync.firstTitle')}
        text={t('browser.sync.firstText')}
        action={onSync === undefined ? undefined : <Button onClick={onSync}>{t('browser.sync.button')}</Button>}
      />
    )
  return (
    <Empty
      title={t('browser.sync.firstFailed')}
      text={latest.error ?? t('browser.sync.firstText')}
      action={
        <PageLink
          to="/datasets/$datasetId/syncs/$commandId"
          params={{ datasetId: dataset.id, commandId: latest.commandId }}
        >
          {t('browser.sync.look')}
        </PageLink>
      }
    />
  )
}
