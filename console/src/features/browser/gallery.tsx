import { useEffect, useRef, useState } from 'react'
import type { Item } from '#contract/items.ts'
import { PAGE_ITEMS, useItems } from '../../app/item-pages.ts'
import type { BrowserSearch } from '../../app/view-search.ts'
import { Failed } from '../../ui/states.tsx'
import classes from './browser.module.css'
import { ListRow } from './list-row.tsx'
import { useLongScroll } from './long-scroll.ts'
import { Tile } from './tile.tsx'

const GAP = 8
const CAPTION_HEIGHT = 26
const LIST_ROW_HEIGHT = 40

/** What both the gallery and the list are given. */
export interface ItemsView {
  readonly datasetId: string
  readonly search: BrowserSearch
  readonly total: number
  readonly tile: number
  readonly chosen: ReadonlySet<string>
  readonly onChoose: (item: Item, how: { additive: boolean }) => void
  readonly onOpen: (item: Item) => void
}

/** The items of a view, as pictures or as lines; only what is seen is there, however many there are. Arrow keys move through it. */
export function ItemsViewport(view: ItemsView) {
  const { datasetId, search, total, tile, chosen, onChoose, onOpen } = view
  const viewport = useRef<HTMLDivElement>(null)
  const width = useWidth(viewport)
  const isList = search.view === 'list'
  const columns = isList ? 1 : Math.max(1, Math.floor((width - 24 + GAP) / (tile + GAP)))
  const rowHeight = isList ? LIST_ROW_HEIGHT : tile + CAPTION_HEIGHT + GAP
  const rows = Math.ceil(total / columns)
  const scroll = useLongScroll(viewport, { rows, rowHeight })
  const pages = pagesBetween(scroll.first * columns, Math.min(total, scroll.end * columns))
  const { byPlace, error } = useItems(datasetId, search, pages)
  const move = (event: React.KeyboardEvent) => {
    const steps: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }
    const step = steps[event.key]
    const at = Number(
      (document.activeElement as HTMLElement | null)?.closest<HTMLElement>('[data-place]')?.dataset.place,
    )
    if (step === undefined || !Number.isInteger(at)) return
    const next = at + step
    if (next < 0 || next >= total) return
    event.preventDefault()
    scroll.show(Math.floor(next / columns))
    // It may have to be laid out first.
    requestAnimationFrame(() =>
      requestAnimationFrame(() =>
        viewport.current
          ?.querySelector<HTMLElement>(`[data-place="${next}"] button, button[data-place="${next}"]`)
          ?.focus(),
      ),
    )
  }
  if (error !== null && byPlace.size === 0) return <Failed error={error} />
  const seen = Array.from({ length: scroll.end - scroll.first }, (_, index) => scroll.first + index)
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys move among the buttons inside
    <div className={classes.viewport} ref={viewport} onKeyDown={move}>
      <div style={{ height: scroll.height, position: 'relative' }}>
        {seen.map((row) =>
          isList ? (
            <ListRow
              key={row}
              place={row}
              top={scroll.topOf(row)}
              height={LIST_ROW_HEIGHT}
              item={byPlace.get(row)}
              isChosen={chosen.has(byPlace.get(row)?.id ?? '')}
              onChoose={onChoose}
              onOpen={onOpen}
            />
          ) : (
            <div
              key={row}
              className={classes.row}
              style={{
                top: scroll.topOf(row) + GAP,
                height: tile + CAPTION_HEIGHT,
                gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`,
              }}
            >
              {Array.from({ length: Math.min(columns, total - row * columns) }, (_, column) => {
                const place = row * columns + column
                const item = byPlace.get(place)
                return (
                  <div key={place} data-place={place} style={{ minWidth: 0, height: tile + CAPTION_HEIGHT }}>
                    <Tile
                      item={item}
                      isChosen={item !== undefined && chosen.has(item.id)}
                      onChoose={(how) => item !== undefined && onChoose(item, how)}
                      onOpen={() => item !== undefined && onOpen(item)}
                    />
                  </div>
                )
              })}
            </div>
          ),
        )}
      </div>
    </div>
  )
}

/** Numbers of the pages that hold the items from one place to another. */
export function pagesBetween(from: number, to: number): number[] {
  if (to <= from) return []
  const first = Math.floor(from / PAGE_ITEMS)
  return Array.from({ length: Math.floor((to - 1) / PAGE_ITEMS) - first + 1 }, (_, index) => first + index)
}

function useWidth(element: React.RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(800)
  useEffect(() => {
    if (element.current === null) return
    const observer = new ResizeObserver(([entry]) => setWidth(entry!.contentRect.width))
    observer.observe(element.current)
    return () => observer.disconnect()
  }, [element])
  return width
}
