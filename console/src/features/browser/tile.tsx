import { Badge } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Item } from '#contract/items.ts'
import { Icon } from '../../ui/icon.tsx'
import classes from './browser.module.css'
import type { ChooseHow } from './choice.ts'

/** What a click with the keys that are held adds to what is chosen. */
export function howOf({ ctrlKey, metaKey, shiftKey }: Pick<MouseEvent, 'ctrlKey' | 'metaKey' | 'shiftKey'>): ChooseHow {
  return { additive: ctrlKey || metaKey, range: shiftKey }
}

/** One item of the gallery: its picture, or what kind of file it is; its name below, and a box that adds it to what is chosen. */
export function Tile({
  item,
  isChosen,
  onChoose,
  onOpen,
}: {
  item: Item | undefined
  isChosen: boolean
  onChoose: (how: ChooseHow) => void
  onOpen: () => void
}) {
  const { t } = useTranslation()
  // Plain elements: dozens of these are made at each jump of a scroll, and each component would cost its share of the frame.
  if (item === undefined) return <div className={classes.blank} />
  return (
    <>
      <button
        type="button"
        className={classes.tile}
        data-chosen={isChosen || undefined}
        aria-pressed={isChosen}
        title={item.filename}
        onClick={(event) => onChoose(howOf(event))}
        onDoubleClick={onOpen}
        onKeyDown={(event) => {
          if (event.key === 'Enter') {
            event.preventDefault()
            onOpen()
          }
        }}
      >
        <Picture item={item} />
        <span className={classes.caption}>{item.name}</span>
        <Marks item={item} />
      </button>
      <input
        type="checkbox"
        className={classes.pick}
        // The keys reach the same by space on the item itself.
        tabIndex={-1}
        aria-label={t('browser.pick', { name: item.name })}
        checked={isChosen}
        onChange={(event) =>
          onChoose({ additive: true, range: (event.nativeEvent as unknown as MouseEvent).shiftKey === true })
        }
      />
    </>
  )
}

/** The small picture of an item; where there is none, the kind of its file. */
export function Picture({ item }: { item: Item }) {
  const [hasFailed, setFailed] = useState(false)
  const type = item.metadata.system.mimetype ?? ''
  const state = item.metadata.system.storage?.state
  if (!type.startsWith('image/') || hasFailed || state === 'missing')
    return (
      <span className={classes.noPicture}>
        <Icon name={state === 'missing' ? 'warning' : 'file'} size={40} />
        {/* To be seen at a glance; to be heard before every name it would only be in the way. */}
        <span aria-hidden="true">{type.split('/').at(-1)}</span>
      </span>
    )
  return (
    <img
      className={classes.picture}
      src={`/api/v1/items/${item.id}/thumbnail`}
      alt=""
      loading="lazy"
      decoding="async"
      onError={() => setFailed(true)}
    />
  )
}

/** What is special about an item, in a word each. */
export function Marks({ item, isInline = false }: { item: Item; isInline?: boolean }) {
  const { t } = useTranslation()
  const { storage } = item.metadata.system
  return (
    <span className={isInline ? undefined : classes.marks}>
      {storage?.state === 'missing' && (
        <Badge size="xs" color="red">
          {t('browser.missing')}
        </Badge>
      )}
      {storage?.state === 'archived' && (
        <Badge size="xs" color="gray">
          {t('browser.archived')}
        </Badge>
      )}
      {storage?.changedInStorage === true && (
        <Badge size="xs" color="yellow">
          {t('browser.changed')}
        </Badge>
      )}
      {item.annotationsCount > 0 && (
        <Badge size="xs" color="indigo" variant="light">
          {t('browser.annotations', { count: item.annotationsCount })}
        </Badge>
      )}
    </span>
  )
}
