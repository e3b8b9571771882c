import { Alert, Button, Drawer, Group, Text } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { type DragEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Item } from '#contract/items.ts'
import { CloneDialog } from '../../app/clone-dialog.tsx'
import { useDataset } from '../../app/dataset.ts'
import { refreshDataset, useFirstPage } from '../../app/item-pages.ts'
import { SyncDialog } from '../../app/sync-dialog.tsx'
import { type BrowserSearch, TILE_DEFAULT } from '../../app/view-search.ts'
import { formatCount } from '../../ui/format.ts'
import { Failed, Loading } from '../../ui/states.tsx'
import { toast } from '../../ui/toasts.tsx'
import classes from './browser.module.css'
import { CHOSEN_MAX, useChoice } from './choice.ts'
import { ChoiceBar, type ChoiceDeed } from './choice-bar.tsx'
import { ClearMissingDialog } from './clear-missing-dialog.tsx'
import { DatasetBar } from './dataset-bar.tsx'
import { useCounts } from './dataset-facts.ts'
import { useDatasetRights } from './dataset-rights.ts'
import { DatasetSide } from './dataset-side.tsx'
import { type ChangeSearch, FilterBar, NO_FILTER } from './filter-bar.tsx'
import { FolderTree } from './folder-tree.tsx'
import { ItemsViewport } from './gallery.tsx'
import { ItemSide } from './item-side.tsx'
import { NoItems } from './no-items.tsx'
import { droppedFiles, type PickedFile } from './picked-files.ts'
import { UploadDialog } from './upload-dialog.tsx'
import { UploadPanel } from './upload-panel.tsx'
import { ViewBar } from './view-bar.tsx'

/** Window width from which the panel at the side is open at first. */
const INFO_FROM_PX = 1280

type Dialog = 'sync' | 'clone' | 'folders' | 'clear-missing' | { dropped: readonly PickedFile[] }

/** A dataset: its folders, and the items of one of them or of a filter. Everything that is chosen stands in the address. */
export function BrowserPage() {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const { datasetId } = useParams({ from: '/shell/datasets/$datasetId' })
  const search = useSearch({ from: '/shell/datasets/$datasetId' })
  const change: ChangeSearch = (next) =>
    void navigate({
      to: '/datasets/$datasetId',
      params: { datasetId },
      search: { ...search, ...next } as BrowserSearch,
      // A folder is somewhere to come back from; a letter of a filter is not.
      replace: !('dir' in next),
    })
  const dataset = useDataset(datasetId)
  const counts = useCounts(datasetId)
  const first = useFirstPage(datasetId, search)
  const rights = useDatasetRights(dataset.data)
  const total = first.data?.totalItemsCount ?? 0
  const { choice, choose, chooseAll, clear } = useChoice(datasetId, search, total, (cause) =>
    toast(
      cause === 'too-many' ? t('browser.tooManyChosen', { max: formatCount(CHOSEN_MAX) }) : cause.message,
      'failed',
    ),
  )
  const [deed, setDeed] = useState<ChoiceDeed | null>(null)
  const [dialog, setDialog] = useState<Dialog | null>(null)
  // Open from the start where there is room: a panel that opened at a click would move the items from under a double click.
  const [isPanelOpen, setPanelOpen] = useState(() => window.innerWidth >= INFO_FROM_PX)
  // On a small screen it covers everything, so only who asks for it gets it.
  const [isDrawerOpen, setDrawerOpen] = useState(false)
  const isNarrow = useMediaQuery('(max-width: 62em)') ?? false
  const [isInfoOpen, setInfoOpen] = isNarrow ? [isDrawerOpen, setDrawerOpen] : [isPanelOpen, setPanelOpen]
  if (dataset.error) return <Failed error={dataset.error} retry={() => dataset.refetch()} />
  if (dataset.isPending) return <Loading />
  const dir = search.dir ?? '/'
  const onDir = (path: string) => {
    setDialog(null)
    change({ dir: path === '/' ? undefined : path })
  }
  const open = (item: Item) => void navigate({ to: '/items/$itemId', params: { itemId: item.id }, search })
  const close = () => setDialog(null)
  const closeInfo = () => setInfoOpen(false)
  const side =
    choice.last !== null && choice.items.size === 1 ? (
      <ItemSide item={choice.last} onOpen={() => open(choice.last!)} onClose={closeInfo} />
    ) : (
      <DatasetSide
        dataset={dataset.data}
        counts={counts}
        change={change}
        isSyncable={rights.isSyncable}
        onClose={closeInfo}
      />
    )
  const drop = (event: DragEvent) => {
    if (event.dataTransfer.types.includes('Files') === false) return
    event.preventDefault()
    if (rights.write !== null) return toast(rights.write, 'failed')
    void droppedFiles(event.dataTransfer.items)
      .then((dropped) => setDialog({ dropped }))
      .catch((error: Error) => toast(error.message, 'failed'))
  }
  const tree = <FolderTree datasetId={datasetId} dir={dir} onOpen={onDir} />
  return (
    <div className={classes.layout}>
      {!isNarrow && <div className={classes.folders}>{tree}</div>}
      <section
        className={classes.main}
        aria-label={t('browser.itemsOf', { name: dataset.data.name })}
        onDragOver={(event) => event.dataTransfer.types.includes('Files') && event.preventDefault()}
        onDrop={drop}
      >
        <div className={classes.bar}>
          <DatasetBar
            dataset={dataset.data}
            dir={dir}
            rights={rights}
            onDir={onDir}
            onFolders={() => setDialog('folders')}
            onUpload={() => setDialog({ dropped: [] })}
            onSync={() => setDialog('sync')}
            onClone={() => setDialog('clone')}
            onInfo={() => setInfoOpen(!isInfoOpen)}
          />
          <FilterBar search={search} change={change} />
          {choice.count > 0 ? (
            <ChoiceBar
              dataset={dataset.data}
              search={search}
              choice={choice}
              total={total}
              rights={rights}
              deed={deed}
              setDeed={setDeed}
              chooseAll={chooseAll}
              clear={clear}
            />
          ) : (
            <Group gap="xs" className={classes.line}>
              <Text size="sm" c="dimmed" aria-live="polite">
                {first.data !== undefined &&
                  t(first.data.totalIsEstimate === true ? 'browser.estimate' : 'browser.items', {
                    count: total,
                    shown: formatCount(total),
                  })}
              </Text>
              {total > 0 && (
                <Button size="compact-xs" variant="subtle" onClick={chooseAll}>
                  {t('browser.all')}
                </Button>
              )}
              <ViewBar search={search} change={change} />
            </Group>
          )}
          {(counts.data?.missing ?? 0) > 0 && (
            <MissingStrip
              missing={counts.data!.missing}
              isShown={search.state === 'missing'}
              canClear={rights.isDeveloper && rights.write === null}
              show={() => change({ ...NO_FILTER, dir: undefined, deep: true, state: 'missing' })}
              clear={() => setDialog('clear-missing')}
            />
          )}
        </div>
        {first.error ? (
          <Failed error={first.error} retry={() => first.refetch()} />
        ) : first.isPending ? (
          <Loading />
        ) : total === 0 ? (
          <NoItems
            dataset={dataset.data}
            search={search}
            change={change}
            isSyncable={rights.isSyncable}
            onSync={rights.write === null ? () => setDialog('sync') : undefined}
          />
        ) : (
          <ItemsViewport
            datasetId={datasetId}
            search={search}
            total={total}
            tile={search.tile ?? TILE_DEFAULT}
            choice={choice}
            onChoose={choose}
            onChooseAll={chooseAll}
            onClear={clear}
            onDelete={() => rights.write === null && choice.count > 0 && setDeed('delete')}
            onOpen={open}
          />
        )}
        <UploadPanel />
      </section>
      {isInfoOpen && !isNarrow && <aside className={classes.side}>{side}</aside>}
      {isNarrow && isInfoOpen && (
        <Drawer.Root opened onClose={closeInfo} position="right">
          <Drawer.Overlay />
          <Drawer.Content aria-label={t('browser.info')}>
            <Drawer.Body p={0}>{side}</Drawer.Body>
          </Drawer.Content>
        </Drawer.Root>
      )}
      {dialog === 'folders' && (
        <Drawer
          opened
          onClose={close}
          title={t('browser.folders')}
          closeButtonProps={{ 'aria-label': t('actions.close') }}
        >
          {tree}
        </Drawer>
      )}
      {dialog === 'sync' && <SyncDialog dataset={dataset.data} isFollowed={false} close={close} />}
      {dialog === 'clone' && <CloneDialog dataset={dataset.data} close={close} />}
      {dialog === 'clear-missing' && (
        <ClearMissingDialog
          datasetId={datasetId}
          what={{ all: true }}
          close={close}
          ended={() => {
            close()
            refreshDataset(datasetId)
          }}
        />
      )}
      {dialog !== null && typeof dialog === 'object' && (
        <UploadDialog dataset={dataset.data} dir={dir} dropped={dialog.dropped} close={close} />
      )}
    </div>
  )
}

function MissingStrip({
  missing,
  isShown,
  canClear,
  show,
  clear,
}: {
  missing: number
  isShown: boolean
  canClear: boolean
  show: () => void
  clear: () => void
}) {
  const { t } = useTranslation()
  return (
    <Alert color="yellow" p="xs">
      <Group gap="xs">
        <Text size="sm">{t('browser.missingStrip', { count: missing, shown: formatCount(missing) })}</Text>
        {!isShown && (
          <Button size="compact-xs" variant="white" onClick={show}>
            {t('browser.showMissing')}
          </Button>
        )}
        {canClear && (
          <Button size="compact-xs" variant="white" color="red" onClick={clear}>
            {t('browser.clearAllMissing')}
          </Button>
        )}
      </Group>
    </Alert>
  )
}
