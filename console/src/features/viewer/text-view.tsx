import { Group, Switch, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Item } from '#contract/items.ts'
import { formatBytes } from '../../ui/format.ts'
import { Loading } from '../../ui/states.tsx'
import { FileProblem, Notice } from './file-problem.tsx'
import { formatJson } from './format-json.ts'
import { GetFile } from './get-file.tsx'
import { isJson } from './kinds.ts'
import { loadText, TEXT_BYTES_MAX } from './text-part.ts'
import classes from './viewer.module.css'

/** The beginning of a file as text; JSON with a line for each value. */
export function TextView({ item }: { item: Item }) {
  const { t } = useTranslation()
  const [isWrapped, setWrapped] = useState(true)
  const [isFormatted, setFormatted] = useState(true)
  const { system } = item.metadata
  const part = useQuery({
    queryKey: ['item', item.id, 'text', system.storage?.etag ?? null],
    queryFn: ({ signal }) => loadText(item, signal),
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
  })
  const formatted = useMemo(
    () => (part.data !== undefined && !part.data.isCut && isJson(item) ? formatJson(part.data.text) : null),
    [part.data, item],
  )
  if (part.error)
    return <FileProblem error={part.error} missingSince={system.storage?.missingSince} retry={() => part.refetch()} />
  if (part.isPending) return <Loading rows={10} />
  if (part.data.isBinary)
    return (
      <Notice title={t('viewer.noText')} text={t('viewer.noTextText')}>
        <GetFile item={item} />
      </Notice>
    )
  if (part.data.text === '') return <Notice title={t('viewer.emptyFile')} text={t('viewer.emptyFileText')} />
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long text is scrolled with the keys */}
      <section className={classes.text} tabIndex={0} aria-label={item.name}>
        <pre data-wrapped={isWrapped || undefined}>
          {isFormatted && formatted !== null ? formatted : part.data.text}
        </pre>
      </section>
      <div className={classes.bar}>
        <Switch
          size="xs"
          label={t('viewer.wrap')}
          checked={isWrapped}
          onChange={(event) => setWrapped(event.currentTarget.checked)}
        />
        {formatted !== null && (
          <Switch
            size="xs"
            label={t('viewer.formatted')}
            checked={isFormatted}
            onChange={(event) => setFormatted(event.currentTarget.checked)}
          />
        )}
        {part.data.isCut && (
          <Group gap="xs">
            <Text size="sm" role="status">
              {t('viewer.cut', { shown: formatBytes(TEXT_BYTES_MAX), size: formatBytes(system.size ?? 0) })}
            </Text>
          </Group>
        )}
        {isJson(item) && formatted === null && !part.data.isCut && (
          <Text size="sm" c="dimmed">
            {t('viewer.noJson')}
          </Text>
        )}
      </div>
    </>
  )
}
