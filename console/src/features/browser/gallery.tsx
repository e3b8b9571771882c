import { useEffect, useRef, useState } from 'react'
import type { Item } from '#contract/items.ts'
import { PAGE_ITEMS, useItems } from '../../app/item-pages.ts'
import type { BrowserSearch } from '../../app/view-search.ts'
import { Failed } from '../../ui/states.tsx'
import classes from './browser.module.css'
import type { Choice, ChooseHow } from './choice.ts'
import { ListHead, ListRow } from './list-row.tsx'
import { useLongScroll } from './long-scroll.ts'
import { Tile } from './tile.tsx'

const GAP = 8
const CAPTION_HEIGHT = 26
const LIST_ROW_HEIGHT = 40

/** What the items of a view are shown with, and what is told of them. */
export interface ItemsView {
  readonly datasetId: string
  readonly search: BrowserSearch
  readonly total: number
  readonly tile: number
  readonly choice: Choice
  readonly onChoose: (item: Item, place: number, how: ChooseHow) => void
  readonly onChooseAll: () => void
  readonly onClear: () => void
  readonly onDelete: () => void
  readonly onOpen: (item: Item) => void
}

/**
 * The items of a view, as pictures or as lines; only what is seen is there, however many there are. Arrow keys, Home, End and the page keys move through
 * it, space chooses, with shift a range; Ctrl+A chooses all, Escape none, Delete asks to delete.
 */
export function ItemsViewport(view: ItemsView) {
  const { datasetId, search, total, tile, choice, onChoose, onOpen } = view
  const viewport = useRef<HTMLDivElement>(null)
  const width = useWidth(viewport)
  const isList = search.view === 'list' || search.view === 'details'
  const columns = isList ? 1 : Math.max(1, Math.floor((width - 24 + GAP) / (tile + GAP)))
  const rowHeight = isList ? LIST_ROW_HEIGHT : tile + CAPTION_HEIGHT + GAP
  const rows = Math.ceil(total / columns)
  const scroll = useLongScroll(viewport, { rows, rowHeight })
  const pages = pagesBetween(scroll.first * columns, Math.min(total, scroll.end * columns))
  const { byPlace, error } = useItems(datasetId, search, useSteady(pages))
  const rowsSeen = Math.max(1, scroll.end - scroll.first - 4)
  const press = useKeys({ view, viewport, columns, rowsSeen, show: scroll.show })
  if (error !== null && byPlace.size === 0) return <Failed error={error} />
  const seen = Array.from({ length: scroll.end - scroll.first }, (_, index) => scroll.first + index)
  const isChosen = (item: Item | undefined) => item !== undefined && (choice.isWhole || choice.items.has(item.id))
  return (
    <>
      {isList && <ListHead isDetailed={search.view === 'details'} />}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the keys move among the buttons inside */}
      <div className={classes.viewport} ref={viewport} tabIndex={-1} onKeyDown={press}>
        <div style={{ height: scroll.height, position: 'relative' }}>
          {seen.map((row) =>
            isList ? (
              <ListRow
                key={row}
                place={row}
                top={scroll.topOf(row)}
                height={LIST_ROW_HEIGHT}
                item={byPlace.get(row)}
                isDetailed={search.view === 'details'}
                isChosen={isChosen(byPlace.get(row))}
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
                    <div
                      key={place}
                      data-place={place}
                      className={classes.cell}
                      style={{ height: tile + CAPTION_HEIGHT }}
                    >
                      <Tile
                        item={item}
                        isChosen={isChosen(item)}
                        onChoose={(how) => item !== undefined && onChoose(item, place, how)}
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
    </>
  )
}

/** Moves the focus among the items, and does what keys stand for. */
function useKeys({
  view: { total, onChooseAll, onClear, onDelete },
  viewport,
  columns,
  rowsSeen,
  show,
}: {
  view: ItemsView
  viewport: React.RefObject<HTMLElement | null>
  columns: number
  rowsSeen: number
  show: (row: number) => void
}) {
  return (event: React.KeyboardEvent) => {
    const deeds: Record<string, () => void> = { Escape: onClear, Delete: onDelete }
    const deed = event.key === 'a' && (event.ctrlKey || event.metaKey) ? onChooseAll : deeds[event.key]
    if (deed !== undefined) {
      event.preventDefault()
      deed()
      return
    }
    const at = Number(
      (document.activeElement as HTMLElement | null)?.closest<HTMLElement>('[data-place]')?.dataset.place,
    )
    if (!Number.isInteger(at)) return
    const page = columns * rowsSeen
    const places: Record<string, number> = {
      ArrowRight: at + 1,
      ArrowLeft: at - 1,
      ArrowDown: at + columns,
      ArrowUp: at - columns,
      PageDown: Math.min(total - 1, at + page),
      PageUp: Math.max(0, at - page),
      Home: 0,
      End: total - 1,
    }
    const next = places[event.key]
    if (next === undefined || next < 0 || next >= total) return
    event.preventDefault()
    // The item that has the focus may go out of the page; until the next one is there the keys stay ours.
    viewport.current?.focus({ preventScroll: true })
    show(Math.floor(next / columns))
    focusWhenThere(viewport, next)
  }
}

/** Frames that are waited for an item to be laid out and to come from the server, about two seconds. */
const FRAMES_MAX = 120

function focusWhenThere(viewport: React.RefObject<HTMLElement | null>, place: number, framesLeft = FRAMES_MAX): void {
  requestAnimationFrame(() => {
    const button = viewport.current?.querySelector<HTMLElement>(
      `[data-place="${place}"] button, button[data-place="${place}"]`,
    )
    if (button != null) button.focus({ preventScroll: true })
    else if (framesLeft > 0) focusWhenThere(viewport, place, framesLeft - 1)
  })
}

/** Numbers of the pages that hold the items from one place to another. */
export function pagesBetween(from: number, to: number): number[] {
  if (to <= from) return []
  const first = Math.floor(from / PAGE_ITEMS)
  return Array.from({ length: Math.floor((to - 1) / PAGE_ITEMS) - first + 1 }, (_, index) => first + index)
}

/** Pages that only rush by are not asked for: they would be many requests that nobody waits for any more. */
const STEADY_MS = 100

/** The pages that were seen a moment ago, at most one change in that time. */
function useSteady(pages: number[]): number[] {
  const key = pages.join()
  const [steady, setSteady] = useState({ key, pages })
  const latest = useRef({ key, pages })
  latest.current = { key, pages }
  const isSame = key === steady.key
  // biome-ignore lint/correctness/useExhaustiveDependencies: where a scroll and the timer fall into one render it is not the same before and after, and only the change tells that more was seen
  useEffect(() => {
    if (isSame) return
    // Not begun anew at each step of a scroll, else nothing would come until it stops.
    const timer = setTimeout(() => setSteady(latest.current), STEADY_MS)
    return () => clearTimeout(timer)
  }, [isSame, steady])
  return steady.pages
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
