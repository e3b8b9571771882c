import { ActionIcon, Button, Center, Group, Loader, Text, Tooltip } from '@mantine/core'
import { useElementSize, useMergedRef } from '@mantine/hooks'
import { type CSSProperties, type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useGestures } from './gestures.ts'
import classes from './viewer.module.css'
import { centred, fitted, held, type Size, type View, zoomed } from './zoom.ts'

interface Props {
  src: string
  name: string
  /** Drawn over the picture once its size is known. */
  overlay: (size: Size) => ReactNode
  /** More for the bar below. */
  tools?: ReactNode
  onFailed: () => void
  onShown: () => void
}

/** Pixels of an arrow key. */
const STEP = 60

/** A picture that can be zoomed and moved: by wheel, drag, two fingers, buttons and keys. Browsers turn it as its EXIF says, and its size is that of the turned one. */
export function ImageStage({ src, name, overlay, tools, onFailed, onShown }: Props) {
  const { t } = useTranslation()
  const { ref, width, height } = useElementSize<HTMLElement>()
  const stage = useRef<HTMLElement>(null)
  const [size, setSize] = useState<Size | null>(null)
  // Null: as it fits, also after the window's size has changed.
  const [chosen, setChosen] = useState<View | null>(null)
  const room = { width, height }
  const fit = size === null ? { scale: 1, x: 0, y: 0 } : fitted(size, room)
  const view = chosen ?? fit
  // From the view before, not from the one that is shown: several moves may come between two paints.
  const change = (next: (before: View) => View) =>
    size !== null && setChosen((before) => held(next(before ?? fit), size, room))
  const zoomAt = (factor: number, x = width / 2, y = height / 2) =>
    change((before) => zoomed(before, factor, x, y, fit.scale))
  const move = (dx: number, dy: number) => change(({ scale, x, y }) => ({ scale, x: x + dx, y: y + dy }))
  const toFit = () => setChosen(null)
  const toWhole = () => size !== null && change(() => centred(size, room, 1))
  const gestures = useGestures({ stage, zoomAt, move })
  const isMovable = chosen !== null && size !== null && view.scale > fit.scale
  const latest = useRef({ zoomAt, toFit, toWhole })
  latest.current = { zoomAt, toFit, toWhole }
  useZoomKeys(latest)
  const onKeyDown = (event: KeyboardEvent) => {
    const way = { ArrowLeft: [STEP, 0], ArrowRight: [-STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] }[event.key]
    if (way === undefined || !isMovable) return
    // Elsewhere the arrows go to the next item.
    event.preventDefault()
    event.stopPropagation()
    move(way[0]!, way[1]!)
  }
  return (
    <>
      <section
        ref={useMergedRef(ref, stage)}
        className={classes.stage}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the picture is moved with the arrow keys
        tabIndex={0}
        aria-label={t('viewer.stage', { name })}
        onKeyDown={onKeyDown}
        onDoubleClick={() => (chosen === null ? toWhole() : toFit())}
        {...gestures}
      >
        <div className={classes.picture} style={pictureStyle(view, size)}>
          <img
            src={src}
            alt={name}
            draggable={false}
            style={view.scale >= 4 ? { imageRendering: 'pixelated' } : undefined}
            onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) => {
              // A drawing without a size of its own says 0.
              setSize({ width: naturalWidth || 300, height: naturalHeight || 150 })
              onShown()
            }}
            onError={onFailed}
          />
          {size !== null && overlay(size)}
        </div>
        {size === null && (
          <Center h="100%" role="status" aria-label={t('states.loading')}>
            <Loader />
          </Center>
        )}
      </section>
      <div className={classes.bar}>
        <Group gap={4} wrap="nowrap">
          <ActionIcon variant="default" onClick={() => zoomAt(1 / 1.5)} aria-label={t('viewer.zoomOut')}>
            −
          </ActionIcon>
          <Tooltip label={t('viewer.zoomHint')} multiline maw="18rem">
            <Text size="sm" w="4.5rem" ta="center" aria-live="polite">
              {scaleText(view.scale)}
            </Text>
          </Tooltip>
          <ActionIcon variant="default" onClick={() => zoomAt(1.5)} aria-label={t('viewer.zoomIn')}>
            +
          </ActionIcon>
          <Button size="compact-sm" variant="default" onClick={toFit} disabled={chosen === null}>
            {t('viewer.fit')}
          </Button>
          <Button size="compact-sm" variant="default" onClick={toWhole}>
            100 %
          </Button>
        </Group>
        {size !== null && (
          <Text size="sm" c="dimmed">
            {size.width} × {size.height}
          </Text>
        )}
        {tools}
      </div>
    </>
  )
}

const scaleText = (scale: number) => `${scale < 0.1 ? (scale * 100).toFixed(1) : Math.round(scale * 100)} %`

function pictureStyle(view: View, size: Size | null): CSSProperties {
  return {
    width: size?.width,
    height: size?.height,
    transform: `translate(${view.x}px, ${view.y}px) scale(${view.scale})`,
    visibility: size === null ? 'hidden' : 'visible',
    '--scale': view.scale,
  } as CSSProperties
}

interface ZoomDeeds {
  readonly zoomAt: (factor: number) => void
  readonly toFit: () => void
  readonly toWhole: () => void
}

/** Keys of the whole page: + and − zoom, 0 fits, 1 shows each pixel as one. */
function useZoomKeys(deeds: { readonly current: ZoomDeeds }): void {
  useEffect(() => {
    const onKey = (event: globalThis.KeyboardEvent) => {
      if (isTyping(event)) return
      const { zoomAt, toFit, toWhole } = deeds.current
      if (event.key === '+' || event.key === '=') zoomAt(1.5)
      else if (event.key === '-') zoomAt(1 / 1.5)
      else if (event.key === '0') toFit()
      else if (event.key === '1') toWhole()
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [deeds])
}

/** Whether a key belongs to what has the focus: a field, a player, a list of tabs; or is a command of the browser's. */
export function isTyping(event: globalThis.KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return true
  const target = event.target as Element | null
  return (
    target?.closest?.(
      'input:not([type=checkbox]), textarea, select, video, audio, iframe, [contenteditable], [role=tablist], [role=menu], [role=listbox], [role=dialog]',
    ) != null
  )
}
