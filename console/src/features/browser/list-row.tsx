import { Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Item } from '#contract/items.ts'
import { formatBytes, formatTime } from '../../ui/format.ts'
import classes from './browser.module.css'
import type { ChooseHow } from './choice.ts'
import { howOf, Marks } from './tile.tsx'

/** Heads of the columns that the rows have. */
export function ListHead({ isDetailed }: { isDetailed: boolean }) {
  const { t } = useTranslation()
  const heads = [
    t('browser.name'),
    ...(isDetailed ? [t('browser.folder')] : []),
    t('browser.type'),
    t('browser.size'),
    t('browser.modified'),
    ...(isDetailed ? [t('browser.added'), t('browser.creator')] : []),
    '',
  ]
  return (
    <div className={classes.listHead} data-detailed={isDetailed || undefined} aria-hidden>
      {heads.map((head) => (
        <Text key={head} size="xs" c="dimmed" fw={600} truncate ta={head === t('browser.size') ? 'right' : undefined}>
          {head}
        </Text>
      ))}
    </div>
  )
}

/** One item of the list: name, type, size, when it changed, what is special; in detail also where it is, when it came and by whom. */
export function ListRow({
  place,
  top,
  height,
  item,
  isDetailed,
  isChosen,
  onChoose,
  onOpen,
}: {
  place: number
  top: number
  height: number
  item: Item | undefined
  isDetailed: boolean
  isChosen: boolean
  onChoose: (item: Item, place: number, how: ChooseHow) => void
  onOpen: (item: Item) => void
}) {
  if (item === undefined)
    return (
      <div
        className={classes.blank}
        style={{ position: 'absolute', top: top + 6, left: 12, right: 12, height: height - 12 }}
      />
    )
  const { system } = item.metadata
  return (
    <button
      type="button"
      className={classes.listRow}
      data-detailed={isDetailed || undefined}
      style={{ top, height }}
      data-place={place}
      data-chosen={isChosen || undefined}
      aria-pressed={isChosen}
      onClick={(event) => onChoose(item, place, howOf(event))}
      onDoubleClick={() => onOpen(item)}
      onKeyDown={(event) => {
        if (event.key === 'Enter') {
          event.preventDefault()
          onOpen(item)
        }
      }}
    >
      <span className={classes.text} title={item.filename}>
        {item.name}
      </span>
      {isDetailed && <Dim text={item.dir} />}
      <Dim text={system.mimetype ?? ''} />
      <span className={classes.number}>{system.size === undefined ? '' : formatBytes(system.size)}</span>
      <Dim text={system.storage?.modified == null ? '' : formatTime(system.storage.modified)} />
      {isDetailed && <Dim text={formatTime(item.createdAt)} />}
      {isDetailed && <Dim text={item.creator} />}
      <span style={{ position: 'relative', overflow: 'hidden' }}>
        <Marks item={item} isInline />
      </span>
    </button>
  )
}

function Dim({ text }: { text: string }) {
  return (
    <span className={classes.dim} title={text}>
      {text}
    </span>
  )
}
