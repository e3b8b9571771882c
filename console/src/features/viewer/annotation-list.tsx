import { Button, Checkbox, ColorSwatch, Group, Stack, Switch, Text } from '@mantine/core'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Annotation } from '#contract/annotations.ts'
import type { Item } from '#contract/items.ts'
import { formatCount } from '../../ui/format.ts'
import { Failed, Loading } from '../../ui/states.tsx'
import type { Marked } from './annotations.ts'
import { fpsOf, spanOf } from './film.ts'
import { colourOf } from './labels.ts'
import classes from './viewer.module.css'

/** Rows of a label that are listed at once; an item may have ten thousand annotations. */
const ROWS_MAX = 100

interface Props {
  item: Item
  marked: Marked
  /** Goes to a moment of a film or a sound, in seconds; undefined where there is none. */
  goTo?: ((seconds: number) => void) | undefined
}

/** The annotations of an item by label, with switches for what is drawn; a row that is pointed at lights up its shape, and the other way round. */
export function AnnotationList({ item, marked, goTo }: Props) {
  const { t } = useTranslation()
  const byLabel = useMemo(() => groups(marked.all), [marked.all])
  if (marked.error) return <Failed error={marked.error} retry={marked.retry} />
  if (marked.isPending) return <Loading />
  if (marked.all.length === 0)
    return (
      <Text c="dimmed" size="sm">
        {t('viewer.noAnnotations')}
      </Text>
    )
  return (
    <Stack gap="sm">
      <Group gap="md">
        <Switch
          size="xs"
          label={t('viewer.shapes')}
          checked={marked.isShown}
          onChange={(event) => marked.setShown(event.currentTarget.checked)}
        />
        <Switch
          size="xs"
          label={t('viewer.names')}
          checked={marked.looks.hasNames}
          onChange={(event) => marked.setNames(event.currentTarget.checked)}
        />
      </Group>
      {[...byLabel].map(([label, annotations]) => (
        <LabelGroup key={label} label={label} annotations={annotations} item={item} marked={marked} goTo={goTo} />
      ))}
    </Stack>
  )
}

function groups(all: readonly Annotation[]): ReadonlyMap<string, readonly Annotation[]> {
  const byLabel = new Map<string, Annotation[]>()
  for (const annotation of all) {
    const group = byLabel.get(annotation.label)
    if (group === undefined) byLabel.set(annotation.label, [annotation])
    else group.push(annotation)
  }
  return byLabel
}

function LabelGroup({
  label,
  annotations,
  item,
  marked,
  goTo,
}: Props & { label: string; annotations: readonly Annotation[] }) {
  const { t } = useTranslation()
  const [rows, setRows] = useState(ROWS_MAX)
  const { looks } = marked
  const isHidden = marked.hiddenLabels.has(label)
  return (
    <div>
      <Group gap="xs" wrap="nowrap">
        <Checkbox
          size="xs"
          checked={!isHidden}
          disabled={!marked.isShown}
          onChange={() => marked.toggleLabel(label)}
          aria-label={t('viewer.showLabel', { label })}
        />
        <ColorSwatch size={14} color={colourOf(label, looks.colours)} withShadow={false} aria-hidden="true" />
        <Text size="sm" fw={600} className="name" flex={1}>
          {label}
        </Text>
        <Text size="xs" c="dimmed">
          {formatCount(annotations.length)}
        </Text>
      </Group>
      {!isHidden && (
        <Stack gap={0} ml={26}>
          {annotations.slice(0, rows).map((annotation) => (
            <Row key={annotation.id} annotation={annotation} item={item} marked={marked} goTo={goTo} />
          ))}
          {annotations.length > rows && (
            <Button size="compact-xs" variant="subtle" onClick={() => setRows(rows + ROWS_MAX)}>
              {t('viewer.moreAnnotations', { count: annotations.length - rows })}
            </Button>
          )}
        </Stack>
      )}
    </div>
  )
}

function Row({ annotation, item, marked, goTo }: Props & { annotation: Annotation }) {
  const { t } = useTranslation()
  const { lit, onLit } = marked.looks
  const span = goTo === undefined ? null : spanOf(annotation, fpsOf(item))
  const words = textOf(annotation)
  return (
    <button
      type="button"
      className={classes.row}
      data-lit={annotation.id === lit || undefined}
      onPointerEnter={() => onLit(annotation.id)}
      onPointerLeave={() => onLit(null)}
      onFocus={() => onLit(annotation.id)}
      onBlur={() => onLit(null)}
      onClick={() => (span !== null ? goTo?.(span.start) : onLit(annotation.id))}
    >
      <Text size="xs" component="span">
        {t(`viewer.types.${annotation.type}`)}
      </Text>
      {words !== '' && (
        <Text size="xs" c="dimmed" component="span" truncate flex={1} title={words}>
          {words}
        </Text>
      )}
      {span !== null && (
        <Text size="xs" c="dimmed" component="span" ml="auto" style={{ whiteSpace: 'nowrap' }}>
          {clock(span.start)}–{clock(span.end)}
        </Text>
      )}
    </button>
  )
}

/** What an annotation says in words: its text, its attributes, its description. */
function textOf({ coordinates, attributes, description }: Annotation): string {
  const spoken = (coordinates as { text?: unknown } | null | undefined)?.text
  const given = attributes ?? {}
  const named = Array.isArray(given) ? given : Object.values(given as object)
  const parts = [typeof spoken === 'string' ? spoken : '', ...named.map((each) => plain(each)), description ?? '']
  return parts.filter((part) => part !== '').join(' · ')
}

const plain = (value: unknown): string =>
  value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value)

/** A moment as players write it, with tenths: 1:02.5. */
function clock(seconds: number): string {
  const tenths = Math.round(seconds * 10)
  return `${Math.floor(tenths / 600)}:${String(Math.floor((tenths % 600) / 10)).padStart(2, '0')}.${tenths % 10}`
}
