import { type RefObject, useCallback, useEffect, useState } from 'react'

/** Browsers stop laying out at 17 to 33 million pixels; a million items in six columns are 30 million. */
const HEIGHT_MAX = 8_000_000

/** A window onto rows of equal height, of any number. */
export interface LongScroll {
  /** Height of what is scrolled, in pixels. */
  readonly height: number
  /** The first row that is seen, and the one behind the last. */
  readonly first: number
  readonly end: number
  /** Where a row is put, in pixels from the top of what is scrolled. */
  topOf(row: number): number
  /** Brings a row into sight. */
  show(row: number): void
}

/**
 * Which rows of a long list are seen. A list that is higher than a browser can lay out is squeezed: the scroll bar still spans all of it, and rows
 * keep their height, only a turn of the wheel covers more of them.
 */
export function useLongScroll(
  viewport: RefObject<HTMLElement | null>,
  { rows, rowHeight, overscan = 2 }: { rows: number; rowHeight: number; overscan?: number },
): LongScroll {
  const [{ top, seen }, setWindow] = useState({ top: 0, seen: 800 })
  useEffect(() => {
    const element = viewport.current
    if (element === null) return
    const read = () => setWindow({ top: element.scrollTop, seen: element.clientHeight })
    const observer = new ResizeObserver(read)
    observer.observe(element)
    element.addEventListener('scroll', read, { passive: true })
    read()
    return () => {
      observer.disconnect()
      element.removeEventListener('scroll', read)
    }
  }, [viewport])
  const whole = rows * rowHeight
  const height = Math.min(whole, HEIGHT_MAX)
  // Of the way that can be scrolled, not of the height, so that the last row is reached at the very bottom.
  const scale = whole > height && height > seen ? (whole - seen) / (height - seen) : 1
  const offset = top * scale
  const first = Math.max(0, Math.floor(offset / rowHeight) - overscan)
  const end = Math.min(rows, Math.ceil((offset + seen) / rowHeight) + overscan)
  const show = useCallback(
    (row: number) => {
      const element = viewport.current
      if (element === null) return
      const now = element.scrollTop * scale
      const rowTop = row * rowHeight
      if (rowTop < now) element.scrollTop = rowTop / scale
      else if (rowTop + rowHeight > now + element.clientHeight)
        element.scrollTop = (rowTop + rowHeight - element.clientHeight) / scale
    },
    [viewport, scale, rowHeight],
  )
  return { height, first, end, topOf: (row) => row * rowHeight - offset + top, show }
}
