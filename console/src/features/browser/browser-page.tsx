import {
  ActionIcon,
  Breadcrumbs,
  Button,
  Group,
  SegmentedControl,
  Select,
  Slider,
  Switch,
  Text,
  TextInput,
} from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Item } from '#contract/items.ts'
import { useFirstPage } from '../../app/item-pages.ts'
import { api } from '../../app/session.ts'
import { type BrowserSearch, isFiltered, TILE_DEFAULT } from '../../app/view-search.ts'
import { Icon } from '../../ui/icon.tsx'
import { Empty, Failed, Loading } from '../../ui/states.tsx'
import classes from './browser.module.css'
import { FolderTree } from './folder-tree.tsx'
import { ItemsViewport } from './gallery.tsx'
import { ItemSide } from './item-side.tsx'

/** A dataset: its folders, and the items of one of them or of a filter. Everything that is chosen stands in the address. */
export function BrowserPage() {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const { datasetId } = useParams({ from: '/shell/datasets/$datasetId' })
  const search = useSearch({ from: '/shell/datasets/$datasetId' })
  const change = (next: Partial<Record<keyof BrowserSearch, unknown>>) =>
    void navigate({
      to: '/datasets/$datasetId',
      params: { datasetId },
      search: { ...search, ...next } as BrowserSearch,
      replace: true,
    })
  const dataset = useQuery({
    queryKey: ['dataset', datasetId],
    queryFn: ({ signal }) => api.getDataset({ params: { datasetId }, signal }),
  })
  const first = useFirstPage(datasetId, search)
  const { chosen, choose, last, clear } = useChoice()
  if (dataset.error) return <Failed error={dataset.error} retry={() => dataset.refetch()} />
  if (dataset.isPending) return <Loading />
  const dir = search.dir ?? '/'
  const total = first.data?.totalItemsCount ?? 0
  const open = (item: Item) => void navigate({ to: '/items/$itemId', params: { itemId: item.id }, search })
  return (
    <div className={classes.layout}>
      <div className={classes.folders}>
        <FolderTree
          datasetId={datasetId}
          dir={dir}
          onOpen={(path) => change({ dir: path === '/' ? undefined : path })}
        />
      </div>
      <main className={classes.main}>
        <div className={classes.bar}>
          <Group justify="space-between" wrap="nowrap">
            <Path
              name={dataset.data.name}
              dir={dir}
              onOpen={(path) => change({ dir: path === '/' ? undefined : path })}
            />
            <Text size="sm" c="dimmed" aria-live="polite" style={{ whiteSpace: 'nowrap' }}>
              {first.data?.totalIsEstimate === true
                ? t('browser.about', { count: total })
                : t('browser.items', { count: total })}
            </Text>
          </Group>
          <Toolbar search={search} change={change} />
          {chosen.size > 0 && (
            <Group gap="xs" mt={6}>
              <Text size="sm">{t('browser.chosen', { count: chosen.size })}</Text>
              <Button size="compact-xs" variant="subtle" onClick={clear}>
                {t('browser.chooseNone')}
              </Button>
            </Group>
          )}
        </div>
        {first.error ? (
          <Failed error={first.error} retry={() => first.refetch()} />
        ) : first.isPending ? (
          <Loading />
        ) : total === 0 ? (
          <Nothing isFiltered={isFiltered(search)} isDeep={search.deep === true} change={change} />
        ) : (
          <ItemsViewport
            datasetId={datasetId}
            search={search}
            total={total}
            tile={search.tile ?? TILE_DEFAULT}
            chosen={chosen}
            onChoose={choose}
            onOpen={open}
          />
        )}
      </main>
      {last !== null && (
        <aside className={classes.side}>
          <ItemSide item={last} onOpen={() => open(last)} onClose={clear} />
        </aside>
      )}
    </div>
  )
}

function Nothing({
  isFiltered: hasFilter,
  isDeep,
  change,
}: {
  isFiltered: boolean
  isDeep: boolean
  change: (next: Partial<Record<keyof BrowserSearch, unknown>>) => void
}) {
  const { t } = useTranslation()
  const clear = {
    name: undefined,
    type: undefined,
    state: undefined,
    changed: undefined,
    annotated: undefined,
    sizeMin: undefined,
    sizeMax: undefined,
    from: undefined,
    to: undefined,
    meta: undefined,
    metaValue: undefined,
  }
  if (hasFilter)
    return (
      <Empty
        title={t('browser.noMatch')}
        text={t('browser.noMatchText')}
        action={<Button onClick={() => change(clear)}>{t('browser.clearFilter')}</Button>}
      />
    )
  return (
    <Empty
      title={t('browser.emptyFolder')}
      text={t('browser.emptyFolderText')}
      action={isDeep ? undefined : <Button onClick={() => change({ deep: true })}>{t('browser.showBelow')}</Button>}
    />
  )
}

function Path({ name, dir, onOpen }: { name: string; dir: string; onOpen: (dir: string) => void }) {
  const parts = dir === '/' ? [] : dir.slice(1).split('/')
  return (
    <Breadcrumbs separatorMargin={4} style={{ flexWrap: 'wrap', minWidth: 0 }}>
      <Button size="compact-sm" variant="subtle" onClick={() => onOpen('/')}>
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

function Toolbar({
  search,
  change,
}: {
  search: BrowserSearch
  change: (next: Partial<Record<keyof BrowserSearch, unknown>>) => void
}) {
  const { t } = useTranslation()
  const [name, setName] = useState(search.name ?? '')
  const find = useDebouncedCallback((text: string) => change({ name: text === '' ? undefined : text }), 300)
  return (
    <Group gap="xs" mt={6}>
      <TextInput
        size="xs"
        aria-label={t('browser.findName')}
        placeholder={t('browser.findName')}
        leftSection={<Icon name="search" size={14} />}
        value={name}
        onChange={(event) => {
          setName(event.currentTarget.value)
          find(event.currentTarget.value)
        }}
      />
      <Select
        size="xs"
        aria-label={t('browser.kind')}
        placeholder={t('browser.kind')}
        clearable
        w="8rem"
        data={[
          { value: 'image/', label: t('browser.images') },
          { value: 'video/', label: t('browser.videos') },
          { value: 'audio/', label: t('browser.audio') },
          { value: 'text/', label: t('browser.texts') },
          { value: 'application/', label: t('browser.others') },
        ]}
        value={search.type ?? null}
        onChange={(type) => change({ type: type ?? undefined })}
      />
      <Select
        size="xs"
        aria-label={t('browser.state')}
        placeholder={t('browser.state')}
        clearable
        w="9rem"
        data={(['available', 'missing', 'archived', 'excluded'] as const).map((state) => ({
          value: state,
          label: t(`browser.states.${state}`),
        }))}
        value={search.state ?? null}
        onChange={(state) => change({ state: state ?? undefined })}
      />
      <Switch
        size="xs"
        label={t('browser.deep')}
        checked={search.deep === true}
        onChange={(event) => change({ deep: event.currentTarget.checked || undefined })}
      />
      <Group gap="xs" ml="auto">
        <Select
          size="xs"
          aria-label={t('browser.sort')}
          w="9rem"
          allowDeselect={false}
          data={(['none', 'name', 'size', 'createdAt', 'modified'] as const).map((sort) => ({
            value: sort,
            label: t(`browser.sorts.${sort}`),
          }))}
          value={search.sort ?? 'none'}
          onChange={(sort) => change({ sort: sort === 'none' ? undefined : sort })}
        />
        <ActionIcon
          variant="default"
          aria-label={t('browser.descending')}
          aria-pressed={search.descending === true}
          onClick={() => change({ descending: search.descending === true ? undefined : true })}
          disabled={search.sort === undefined}
        >
          {search.descending === true ? '↓' : '↑'}
        </ActionIcon>
        {search.view !== 'list' && (
          <Slider
            aria-label={t('browser.tileSize')}
            w={90}
            size="xs"
            min={96}
            max={320}
            step={16}
            label={null}
            value={search.tile ?? TILE_DEFAULT}
            onChange={(tile) => change({ tile })}
          />
        )}
        <SegmentedControl
          size="xs"
          aria-label={t('browser.view')}
          data={[
            { value: 'gallery', label: t('browser.gallery') },
            { value: 'list', label: t('browser.list') },
          ]}
          value={search.view ?? 'gallery'}
          onChange={(view) => change({ view: view === 'gallery' ? undefined : view })}
        />
      </Group>
    </Group>
  )
}

/** Which items are chosen; the last one is told about at the side. */
function useChoice() {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const [last, setLast] = useState<Item | null>(null)
  const choose = (item: Item, { additive }: { additive: boolean }) => {
    setChosen((before) => {
      if (!additive) return new Set([item.id])
      const next = new Set(before)
      if (!next.delete(item.id)) next.add(item.id)
      return next
    })
    setLast(item)
  }
  const clear = () => {
    setChosen(new Set())
    setLast(null)
  }
  return { chosen, last, choose, clear }
}
