import { Tabs } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import type { Item } from '#contract/items.ts'
import { api } from '../../app/session.ts'
import type { BrowserSearch } from '../../app/view-search.ts'
import { PageLink } from '../../ui/link.tsx'
import { Empty, Failed, Loading } from '../../ui/states.tsx'
import { AnnotationList } from './annotation-list.tsx'
import { type Marked, useMarked } from './annotations.ts'
import { Facts } from './facts.tsx'
import { FileView } from './file-view.tsx'
import { isTyping } from './image-stage.tsx'
import { kindOf } from './kinds.ts'
import { MetadataEditor } from './metadata-editor.tsx'
import { keptSearch, type Neighbours, useNeighbours, viewOf } from './neighbours.ts'
import classes from './viewer.module.css'
import { ViewerHead } from './viewer-head.tsx'

/** One item: its file, its annotations, what is known of it; and the ways to the others of the view it was opened from. */
export function ViewerPage() {
  const { t } = useTranslation()
  const { itemId } = useParams({ from: '/shell/items/$itemId' })
  const search = useSearch({ from: '/shell/items/$itemId' })
  const answer = useQuery({
    queryKey: ['item', itemId],
    queryFn: ({ signal }) => api.getItem({ params: { itemId }, signal }),
  })
  if (answer.error) return <Failed error={answer.error} retry={() => answer.refetch()} />
  if (answer.isPending) return <Loading />
  const item = answer.data
  if (item.type === 'dir')
    return (
      <Empty
        title={item.name}
        text={t('viewer.folder')}
        action={
          <PageLink to="/datasets/$datasetId" params={{ datasetId: item.datasetId }} search={{ dir: item.filename }}>
            {t('viewer.openFolder')}
          </PageLink>
        }
      />
    )
  return <Viewer key={item.id} item={item} view={keptSearch(viewOf(item, search))} />
}

function Viewer({ item, view }: { item: Item; view: BrowserSearch }) {
  const neighbours = useNeighbours(item, view)
  const marked = useMarked(item.id, item.datasetId)
  const player = useRef<HTMLMediaElement>(null)
  useKnownNeighbours(neighbours)
  useKeys(item, view, neighbours, marked)
  return (
    <div className={classes.layout}>
      <ViewerHead item={item} view={view} neighbours={neighbours} />
      {neighbours.error != null && <Failed error={neighbours.error} />}
      <div className={classes.body}>
        <div className={classes.file}>
          <FileView item={item} marked={marked} player={player} />
        </div>
        <aside className={classes.side}>
          <Side item={item} marked={marked} player={player} />
        </aside>
      </div>
    </div>
  )
}

function Side({
  item,
  marked,
  player,
}: {
  item: Item
  marked: Marked
  player: { readonly current: HTMLMediaElement | null }
}) {
  const { t } = useTranslation()
  const kind = kindOf(item)
  const goTo = (seconds: number) => {
    if (player.current !== null) player.current.currentTime = seconds
  }
  return (
    <Tabs defaultValue={item.annotationsCount > 0 ? 'annotations' : 'facts'} keepMounted={false}>
      <Tabs.List grow>
        <Tabs.Tab value="facts">{t('viewer.tabs.facts')}</Tabs.Tab>
        <Tabs.Tab value="annotations">{t('viewer.tabs.annotations', { count: item.annotationsCount })}</Tabs.Tab>
        <Tabs.Tab value="metadata">{t('viewer.tabs.metadata')}</Tabs.Tab>
      </Tabs.List>
      <Tabs.Panel value="facts" p="sm">
        <Facts item={item} />
      </Tabs.Panel>
      <Tabs.Panel value="annotations" p="sm">
        <AnnotationList item={item} marked={marked} goTo={kind === 'video' || kind === 'audio' ? goTo : undefined} />
      </Tabs.Panel>
      {/* Stays while another tab is open: somebody may be writing. */}
      <Tabs.Panel value="metadata" p="sm" keepMounted>
        <MetadataEditor item={item} />
      </Tabs.Panel>
    </Tabs>
  )
}

/** A neighbour is known already when somebody goes there, so that nothing flickers. */
function useKnownNeighbours({ previous, next }: Neighbours): void {
  const queries = useQueryClient()
  useEffect(() => {
    for (const item of [previous, next])
      if (item != null)
        queries.setQueryData(['item', item.id], (known: Item | undefined) => known ?? item, { updatedAt: 1 })
  }, [queries, previous, next])
}

/** Arrows go to the neighbours, Escape back to the view, A switches the annotations. */
function useKeys(item: Item, view: BrowserSearch, neighbours: Neighbours, marked: Marked): void {
  const navigate = useNavigate()
  const latest = useRef({ view, neighbours, marked })
  latest.current = { view, neighbours, marked }
  useEffect(() => {
    const go = (to: Item | null | undefined) => {
      if (to != null)
        void navigate({ to: '/items/$itemId', params: { itemId: to.id }, search: latest.current.view, replace: true })
    }
    const onKey = (event: KeyboardEvent) => {
      if (isTyping(event)) return
      const { view: search, neighbours: near, marked: marks } = latest.current
      if (event.key === 'ArrowLeft') go(near.previous)
      else if (event.key === 'ArrowRight') go(near.next)
      else if (event.key === 'a') marks.setShown(!marks.isShown)
      else if (event.key === 'Escape')
        void navigate({ to: '/datasets/$datasetId', params: { datasetId: item.datasetId }, search })
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [navigate, item.datasetId])
}
