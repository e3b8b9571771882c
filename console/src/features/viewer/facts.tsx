import { ActionIcon, Anchor, Badge, CopyButton, Group, Stack, Text, Tooltip } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Item } from '#contract/items.ts'
import { formatBytes, formatCount, formatTime } from '../../ui/format.ts'
import { Icon } from '../../ui/icon.tsx'
import { PageLink } from '../../ui/link.tsx'

/** What is known of an item and of its file in the storage, to read and to copy. */
export function Facts({ item }: { item: Item }) {
  const { t } = useTranslation()
  const { system } = item.metadata
  const { storage, artifact } = system
  const image = system as { width?: unknown; height?: unknown; exif?: { Orientation?: unknown } }
  return (
    <Stack gap="sm">
      <States item={item} />
      {item.description !== undefined && <Fact label={t('viewer.facts.description')} value={item.description} />}
      <Fact label={t('viewer.facts.path')} value={item.filename} isCopied />
      <Fact label={t('viewer.facts.type')} value={system.mimetype ?? t('viewer.unknownType')} />
      {system.size !== undefined && (
        <Fact
          label={t('viewer.facts.size')}
          value={
            system.size < 1000
              ? formatBytes(system.size)
              : t('viewer.sizeText', { size: formatBytes(system.size), bytes: formatCount(system.size) })
          }
        />
      )}
      {typeof image.width === 'number' && typeof image.height === 'number' && (
        <Fact label={t('viewer.facts.dimensions')} value={`${image.width} × ${image.height}`} />
      )}
      <Fact label={t('viewer.facts.id')} value={item.id} isCopied />
      {item.srcItem !== undefined && (
        <div>
          <Text size="xs" c="dimmed">
            {t('viewer.facts.source')}
          </Text>
          <PageLink to="/items/$itemId" params={{ itemId: item.srcItem }} size="sm">
            {item.srcItem}
          </PageLink>
        </div>
      )}
      {storage !== undefined && <StorageFacts storage={storage} />}
      {artifact !== undefined && (
        <>
          <Fact label={t('viewer.facts.digest')} value={artifact.digest} isCopied />
          <Fact label={t('viewer.facts.mediaType')} value={artifact.mediaType} isCopied />
        </>
      )}
      <Fact
        label={t('viewer.facts.added')}
        value={t('viewer.byAt', { who: item.creator, time: formatTime(item.createdAt) })}
      />
      <Fact
        label={t('viewer.facts.updated')}
        value={t('viewer.byAt', { who: item.updatedBy, time: formatTime(item.updatedAt) })}
      />
      {storage?.state !== 'missing' && (
        <Anchor size="sm" href={`/api/v1/items/${item.id}/stream?download=true`}>
          {t('viewer.download')}
        </Anchor>
      )}
    </Stack>
  )
}

function StorageFacts({ storage }: { storage: NonNullable<Item['metadata']['system']['storage']> }) {
  const { t } = useTranslation()
  return (
    <>
      {storage.bucket !== null && <Fact label={t('viewer.facts.bucket')} value={storage.bucket} isCopied />}
      <Fact label={t('viewer.facts.key')} value={storage.key} isCopied />
      <Fact label={t('viewer.facts.etag')} value={storage.etag} isCopied />
      {storage.driverId !== null && <Fact label={t('viewer.facts.driver')} value={storage.driverId} isCopied />}
      {storage.modified !== null && (
        <Fact label={t('viewer.facts.modified')} value={formatTime(storage.modified)} title={storage.modified} />
      )}
      {storage.missingSince !== undefined && (
        <Fact label={t('viewer.facts.missingSince')} value={formatTime(storage.missingSince)} />
      )}
    </>
  )
}

/** What is special about an item, in a word each. */
function States({ item }: { item: Item }) {
  const { t } = useTranslation()
  const { storage } = item.metadata.system
  const marks = [
    storage !== undefined &&
      storage.state !== 'available' && {
        text: t(`viewer.states.${storage.state}`),
        color: storage.state === 'missing' ? 'red' : 'gray',
      },
    storage?.changedInStorage === true && { text: t('viewer.states.changed'), color: 'yellow' },
    storage?.addressable === false && { text: t('viewer.states.unaddressable'), color: 'orange' },
    item.hidden && { text: t('viewer.states.hidden'), color: 'gray' },
  ].filter((mark) => mark !== false)
  if (marks.length === 0) return null
  return (
    <Group gap="xs">
      {marks.map(({ text, color }) => (
        <Badge key={text} color={color} tt="none">
          {text}
        </Badge>
      ))}
    </Group>
  )
}

function Fact({ label, value, title, isCopied }: { label: string; value: string; title?: string; isCopied?: boolean }) {
  const { t } = useTranslation()
  return (
    <div>
      <Group gap={4} h={20}>
        <Text size="xs" c="dimmed">
          {label}
        </Text>
        {isCopied === true && (
          <CopyButton value={value}>
            {({ copied, copy }) => (
              <Tooltip label={copied ? t('actions.copied') : t('actions.copy', { what: label })}>
                <ActionIcon
                  size="sm"
                  variant="subtle"
                  color={copied ? 'teal' : 'gray'}
                  onClick={copy}
                  aria-label={t('actions.copy', { what: label })}
                >
                  <Icon name={copied ? 'check' : 'copy'} size={14} />
                </ActionIcon>
              </Tooltip>
            )}
          </CopyButton>
        )}
      </Group>
      {/* Blanks in keys count, so they are shown. */}
      <Text size="sm" className="name" title={title} style={{ whiteSpace: 'pre-wrap' }}>
        {value}
      </Text>
    </div>
  )
}
