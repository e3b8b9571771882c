import { useElementSize, useMergedRef } from '@mantine/hooks'
import { type CSSProperties, type RefObject, useEffect, useMemo, useRef, useState } from 'react'
import type { Item } from '#contract/items.ts'
import type { Marked } from './annotations.ts'
import { bytesAddress } from './bytes.ts'
import { coordinatesAt, fpsOf } from './film.ts'
import { Overlay } from './overlay.tsx'
import { shapeOf } from './shapes.ts'
import classes from './viewer.module.css'
import type { Size } from './zoom.ts'

interface Props {
  item: Item
  marked: Marked
  /** Addresses that have failed so far. */
  turn: number
  onFailed: () => void
  onShown: () => void
  resume: Resume
  /** Where the player is put, so that the list of annotations can go to a moment of it. */
  player: RefObject<HTMLMediaElement | null>
}

/** A film, with the annotations that hold at its moment. The player asks the bucket for the parts it needs. */
export function VideoView({ item, marked, turn, onFailed, onShown, resume, player }: Props) {
  const { ref, width, height } = useElementSize<HTMLDivElement>()
  const film = useRef<HTMLVideoElement>(null)
  const [size, setSize] = useState<Size | null>(null)
  const seconds = useSeconds(film)
  const fps = fpsOf(item)
  const drawn = useMemo(
    () =>
      marked.shown.map((annotation) => ({
        annotation,
        shape: shapeOf(annotation.type, coordinatesAt(annotation, seconds, fps)),
      })),
    [marked.shown, seconds, fps],
  )
  const scale = size === null ? 1 : Math.min(width / size.width, height / size.height)
  const style = { '--scale': scale } as CSSProperties
  return (
    <div className={classes.film} ref={ref} style={style}>
      {/* biome-ignore lint/a11y/useMediaCaption: the team's own recordings have none */}
      <video
        ref={useMergedRef(film, player as RefObject<HTMLVideoElement | null>)}
        src={bytesAddress(item.id, turn)}
        aria-label={item.name}
        controls
        playsInline
        preload="metadata"
        onLoadedMetadata={({ currentTarget: { videoWidth, videoHeight } }) => {
          setSize(videoWidth > 0 ? { width: videoWidth, height: videoHeight } : null)
          onShown()
          resume.back()
        }}
        onTimeUpdate={resume.note}
        onError={onFailed}
      />
      {size !== null && <Overlay size={size} drawn={drawn} {...marked.looks} isPassive />}
    </div>
  )
}

/** A sound. */
export function AudioView({ item, turn, onFailed, onShown, resume, player }: Omit<Props, 'marked'>) {
  return (
    <div className={classes.sound}>
      {/* biome-ignore lint/a11y/useMediaCaption: the team's own recordings have none */}
      <audio
        ref={player as RefObject<HTMLAudioElement | null>}
        src={bytesAddress(item.id, turn)}
        aria-label={item.name}
        controls
        preload="metadata"
        onLoadedMetadata={() => {
          onShown()
          resume.back()
        }}
        onTimeUpdate={resume.note}
        onError={onFailed}
      />
    </div>
  )
}

/** Notes the moment of a player, and goes back to it. */
interface Resume {
  readonly note: () => void
  readonly back: () => void
}

/** A signed address ends after an hour; with the next one the player goes on where it was. */
export function useResume(player: RefObject<HTMLMediaElement | null>): Resume {
  const last = useRef({ seconds: 0, wasPlaying: false })
  return {
    note: () => {
      const media = player.current
      if (media !== null && media.currentTime > 0)
        last.current = { seconds: media.currentTime, wasPlaying: !media.paused }
    },
    back: () => {
      const media = player.current
      if (media === null || last.current.seconds === 0) return
      media.currentTime = last.current.seconds
      // A browser that wants a click first leaves it standing at its place.
      if (last.current.wasPlaying) void media.play().catch(() => undefined)
    },
  }
}

/** The moment of the picture that is shown, in seconds. */
function useSeconds(film: RefObject<HTMLVideoElement | null>): number {
  const [seconds, setSeconds] = useState(0)
  useEffect(() => {
    const video = film.current
    if (video === null) return
    let handle = 0
    const onFrame: VideoFrameRequestCallback = (_now, { mediaTime }) => {
      setSeconds(mediaTime)
      handle = video.requestVideoFrameCallback(onFrame)
    }
    if ('requestVideoFrameCallback' in video) handle = video.requestVideoFrameCallback(onFrame)
    const onTime = () => setSeconds(video.currentTime)
    // The frame's own time is exact; where no frame comes, as while standing, the player's counts.
    video.addEventListener('seeked', onTime)
    video.addEventListener('timeupdate', onTime)
    return () => {
      if (handle !== 0) video.cancelVideoFrameCallback(handle)
      video.removeEventListener('seeked', onTime)
      video.removeEventListener('timeupdate', onTime)
    }
  }, [film])
  return seconds
}
