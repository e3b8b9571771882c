import { Button, Image, Text } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { type RefObject, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Item } from '#contract/items.ts'
import { Loading } from '../../ui/states.tsx'
import type { Marked } from './annotations.ts'
import { bytesAddress, checkFile, useSource } from './bytes.ts'
import { FileProblem, Notice } from './file-problem.tsx'
import { GetFile } from './get-file.tsx'
import { ImageStage } from './image-stage.tsx'
import { type Kind, kindOf } from './kinds.ts'
import { AudioView, useResume, VideoView } from './media-view.tsx'
import { Overlay } from './overlay.tsx'
import { shapeOf } from './shapes.ts'
import { TextView } from './text-view.tsx'
import classes from './viewer.module.css'

interface Props {
  item: Item
  marked: Marked
  player: RefObject<HTMLMediaElement | null>
}

/** The bytes of an item, fetched by the browser from the bucket itself; what cannot be shown is told with the reason. */
export function FileView({ item, marked, player }: Props) {
  const { t } = useTranslation()
  const [isTried, setTried] = useState(false)
  const [asText, setAsText] = useState(false)
  const kind = asText ? 'text' : kindOf(item)
  const { storage } = item.metadata.system
  const isArchived = storage?.state === 'archived' && !isTried
  const source = useSource(item, !isArchived)
  if (isArchived)
    return (
      <Notice title={t('viewer.archived')} text={t('viewer.archivedText')}>
        <Button variant="light" onClick={() => setTried(true)}>
          {t('viewer.tryAnyway')}
        </Button>
      </Notice>
    )
  if (source.error)
    return <FileProblem error={source.error} missingSince={storage?.missingSince} retry={() => source.refetch()} />
  if (source.isPending) return <Loading rows={8} />
  if (kind === 'text') return <TextView item={item} />
  if (kind === 'pdf') return <DocumentView item={item} isFromBucket={source.data === 'bucket'} />
  if (kind === 'other') return <NoPreview item={item} showAsText={() => setAsText(true)} />
  return <Shown item={item} marked={marked} player={player} kind={kind} />
}

/**
 * What the browser shows by itself. When it fails, the storage is asked why. Signed addresses end, so what was shown before gets another one and goes on where it
 * was; what fails twice without having been shown is of a kind the browser does not know.
 */
function Shown({ item, marked, player, kind }: Props & { kind: Kind }) {
  const { t } = useTranslation()
  const [turn, setTurn] = useState(0)
  const [isUnknown, setUnknown] = useState(false)
  const wasShown = useRef(false)
  const resume = useResume(player)
  const check = useMutation({
    mutationFn: () => checkFile(item),
    onSuccess: () => {
      if (!wasShown.current && turn > 0) setUnknown(true)
      wasShown.current = false
      setTurn(turn + 1)
    },
  })
  const drawn = useMemo(
    () => marked.shown.map((annotation) => ({ annotation, shape: shapeOf(annotation.type, annotation.coordinates) })),
    [marked.shown],
  )
  if (check.error) {
    const retry = () => {
      check.reset()
      setTurn(turn + 1)
    }
    return <FileProblem error={check.error} missingSince={item.metadata.system.storage?.missingSince} retry={retry} />
  }
  if (isUnknown) return <NoPreview item={item} hasPicture={kind === 'image'} />
  const onFailed = () => check.mutate()
  const onShown = () => {
    wasShown.current = true
  }
  const media = { item, turn, onFailed, onShown, resume, player }
  if (kind === 'video') return <VideoView {...media} marked={marked} />
  if (kind === 'audio') return <AudioView {...media} />
  return (
    <ImageStage
      src={bytesAddress(item.id, turn)}
      name={item.name}
      onFailed={onFailed}
      onShown={onShown}
      overlay={(size) => <Overlay size={size} drawn={drawn} {...marked.looks} />}
      tools={
        drawn.some(({ shape }) => shape === null) && (
          <Text size="sm" c="dimmed">
            {t('viewer.withoutPlace', { count: drawn.filter(({ shape }) => shape === null).length })}
          </Text>
        )
      }
    />
  )
}

/** A PDF in the browser's own viewer. It may not run on our own origin, so one that comes through this server is offered as a file. */
function DocumentView({ item, isFromBucket }: { item: Item; isFromBucket: boolean }) {
  const { t } = useTranslation()
  // A frame does not tell that it failed, so the storage is asked before.
  const check = useQuery({ queryKey: ['item', item.id, 'check', 0], queryFn: () => checkFile(item), retry: false })
  if (check.error)
    return (
      <FileProblem
        error={check.error}
        missingSince={item.metadata.system.storage?.missingSince}
        retry={() => check.refetch()}
      />
    )
  if (check.isPending) return <Loading rows={8} />
  if (!isFromBucket)
    return (
      <Notice title={t('viewer.proxiedDocument')} text={t('viewer.proxiedDocumentText')}>
        <GetFile item={item} />
      </Notice>
    )
  return <iframe className={classes.document} src={bytesAddress(item.id)} title={item.name} />
}

/** Files that browsers do not show; of pictures the server may have made a small one that they do. */
function NoPreview({
  item,
  hasPicture = false,
  showAsText,
}: {
  item: Item
  hasPicture?: boolean
  showAsText?: () => void
}) {
  const { t } = useTranslation()
  const [isPicture, setPicture] = useState(hasPicture)
  const type = item.metadata.system.mimetype ?? t('viewer.unknownType')
  if (isPicture)
    return (
      <div className={classes.preview}>
        <Text size="sm" role="status" ta="center">
          {t('viewer.smallPicture', { type })}
        </Text>
        <Image
          src={`/api/v1/items/${item.id}/thumbnail?width=1024`}
          alt={item.name}
          fit="contain"
          flex={1}
          mih={0}
          onError={() => setPicture(false)}
        />
        <GetFile item={item} />
      </div>
    )
  return (
    <Notice title={t('viewer.noPreview')} text={t('viewer.noPreviewText', { type })}>
      <GetFile item={item} />
      {showAsText !== undefined && (
        <Button variant="default" onClick={showAsText}>
          {t('viewer.asText')}
        </Button>
      )}
    </Notice>
  )
}
