import { memo } from 'react'
import type { Annotation } from '#contract/annotations.ts'
import { type Colours, colourOf } from './labels.ts'
import { cornerOf, type Place, type Shape } from './shapes.ts'
import classes from './viewer.module.css'
import type { Size } from './zoom.ts'

/** An annotation with what is drawn of it; null for what has no place in a picture. */
export interface Drawn {
  readonly annotation: Annotation
  readonly shape: Shape | null
}

interface Props {
  /** Of the picture, in its own pixels. */
  size: Size
  drawn: readonly Drawn[]
  colours: Colours
  /** Id of the annotation that is pointed at. */
  lit: string | null
  hasNames: boolean
  /** Lets the mouse through, to the controls of a player. */
  isPassive?: boolean
  onLit: (id: string | null) => void
}

/** Annotations over a picture. Screen readers find them in the list beside it. */
export const Overlay = memo(function Overlay({ size, drawn, colours, lit, hasNames, isPassive, onLit }: Props) {
  return (
    <svg
      className={classes.overlay}
      data-passive={isPassive}
      viewBox={`0 0 ${size.width} ${size.height}`}
      aria-hidden="true"
    >
      {drawn.map(
        ({ annotation, shape }) =>
          shape !== null && (
            <Mark
              key={annotation.id}
              id={annotation.id}
              label={annotation.label}
              shape={shape}
              size={size}
              colour={colourOf(annotation.label, colours)}
              isLit={annotation.id === lit}
              hasName={hasNames || annotation.id === lit}
              onLit={onLit}
            />
          ),
      )}
    </svg>
  )
})

interface MarkProps {
  id: string
  label: string
  shape: Shape
  size: Size
  colour: string
  isLit: boolean
  hasName: boolean
  onLit: (id: string | null) => void
}

/** One annotation; of ten thousand only the one that is pointed at is drawn again. */
const Mark = memo(function Mark({ id, label, shape, size, colour, isLit, hasName, onLit }: MarkProps) {
  return (
    <>
      <g onPointerEnter={() => onLit(id)} onPointerLeave={() => onLit(null)}>
        <Outline shape={shape} size={size} colour={colour} isLit={isLit} />
      </g>
      {hasName && <Tag shape={shape} text={label} />}
    </>
  )
})

const pathOf = (strokes: readonly (readonly Place[])[], end: string) =>
  strokes.map((stroke) => `M${stroke.map(({ x, y }) => `${x} ${y}`).join('L')}${end}`).join('')

function Outline({ shape, size, colour, isLit }: { shape: Shape; size: Size; colour: string; isLit: boolean }) {
  const lit = isLit || undefined
  switch (shape.kind) {
    case 'area':
      return (
        <path
          className={classes.shape}
          data-lit={lit}
          d={pathOf(shape.rings, 'Z')}
          fill={colour}
          stroke={colour}
          fillRule="evenodd"
        />
      )
    case 'line':
      return (
        <path
          className={`${classes.shape} ${classes.line}`}
          data-lit={lit}
          d={pathOf(shape.strokes, '')}
          stroke={colour}
        />
      )
    case 'point':
      return (
        <circle
          className={`${classes.shape} ${classes.dot}`}
          data-lit={lit}
          cx={shape.at.x}
          cy={shape.at.y}
          fill={colour}
        />
      )
    case 'ellipse': {
      const { at, rx, ry, angle } = shape
      return (
        <ellipse
          className={classes.shape}
          data-lit={lit}
          cx={at.x}
          cy={at.y}
          rx={rx}
          ry={ry}
          transform={`rotate(${angle} ${at.x} ${at.y})`}
          fill={colour}
          stroke={colour}
        />
      )
    }
    case 'mask':
      return (
        <image
          className={classes.mask}
          data-lit={lit}
          href={shape.src}
          width={size.width}
          height={size.height}
          preserveAspectRatio="none"
        />
      )
  }
}

function Tag({ shape, text }: { shape: Shape; text: string }) {
  const corner = cornerOf(shape)
  if (corner === null) return null
  return (
    <text className={classes.tag} x={corner.x} y={corner.y} dy="-0.4em">
      {text}
    </text>
  )
}
