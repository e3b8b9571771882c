import { Skeleton, Text } from '@mantine/core'
import type { Item } from '#contract/items.ts'
import { formatBytes, formatTime } from '../../ui/format.ts'
import classes from './browser.module.css'
import { Marks } from './tile.tsx'

/** One item of the list: name, type, size, when it changed, what is special. */
export function ListRow({
  place,
  top,
  height,
  item,
  isChosen,
  onChoose,
  onOpen,
}: {
  place: number
  top: number
  height: number
  item: Item | undefined
  isChosen: boolean
  onChoose: (item: Item, how: { additive: boolean }) => void
  onOpen: (item: Item) => void
}) {
  if (item === undefined)
    return <Skeleton style={{ position: 'absolute', top: top + 6, left: 12, right: 12 }} height={height - 12} />
  const { system } = item.metadata
  const time = system.storage?.modified ?? item.createdAt
  return (
    <button
      type="button"
      className={classes.listRow}
      style={{ top, height }}
      data-place={place}
      data-chosen={isChosen || undefined}
      aria-pressed={isChosen}
      onClick={(event) => onChoose(item, { additive: event.ctrlKey || event.metaKey || event.shiftKey })}
      onDoubleClick={() => onOpen(item)}
      onKeyDown={(event) => {
        if (event.key === 'Enter') {
          event.preventDefault()
          onOpen(item)
        }
      }}
    >
      <Text size="sm" truncate title={item.filename}>
        {item.name}
      </Text>
      <Text size="sm" c="dimmed" truncate>
        {system.mimetype}
      </Text>
      <Text size="sm" ta="right">
        {system.size === undefined ? '' : formatBytes(system.size)}
      </Text>
      <Text size="sm" c="dimmed">
        {formatTime(time)}
      </Text>
      <span style={{ position: 'relative' }}>
        <Marks item={item} isInline />
      </span>
    </button>
  )
}
