import { ActionIcon, Anchor, Box, Button, Code, CopyButton, Group, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { Item } from '#contract/items.ts'
import { formatBytes, formatTime } from '../../ui/format.ts'
import { Icon } from '../../ui/icon.tsx'
import { Picture } from './tile.tsx'

/** What is known of the chosen item, to look at and to copy. */
export function ItemSide({ item, onOpen, onClose }: { item: Item; onOpen: () => void; onClose: () => void }) {
  const { t } = useTranslation()
  const { system } = item.metadata
  const { storage } = system
  return (
    <Stack p="sm" gap="sm">
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <Title order={3} size="h5" className="name">
          {item.name}
        </Title>
        <ActionIcon variant="subtle" color="gray" onClick={onClose} aria-label={t('browser.closeSide')}>
          <Icon name="cross" size={16} />
        </ActionIcon>
      </Group>
      <Box h={180} display="flex">
        <Picture item={item} />
      </Box>
      <Button onClick={onOpen}>{t('browser.open')}</Button>
      <Anchor href={`/api/v1/items/${item.id}/stream`} target="_blank" rel="noreferrer" size="sm">
        {t('browser.openFile')}
      </Anchor>
      <Fact label={t('browser.path')} copy={item.filename}>
        {item.filename}
      </Fact>
      <Fact label={t('browser.type')}>{system.mimetype ?? '–'}</Fact>
      <Fact label={t('browser.size')}>{system.size === undefined ? '–' : formatBytes(system.size)}</Fact>
      {storage?.modified != null && <Fact label={t('browser.modified')}>{formatTime(storage.modified)}</Fact>}
      {storage?.missingSince !== undefined && (
        <Fact label={t('browser.missingSince')}>{formatTime(storage.missingSince)}</Fact>
      )}
      {storage !== undefined && (
        <Fact label={t('browser.key')} copy={storage.key}>
          {storage.bucket === null ? storage.key : `${storage.bucket}/${storage.key}`}
        </Fact>
      )}
      <Fact label={t('browser.itemId')} copy={item.id}>
        <Code>{item.id}</Code>
      </Fact>
      <Fact label={t('browser.metadata')}>
        <Code block>{JSON.stringify((item.metadata as { user?: unknown }).user ?? {}, null, 2)}</Code>
      </Fact>
    </Stack>
  )
}

/** One thing that is known, with its name above; `copy` is what a button beside it copies. */
export function Fact({ label, copy, children }: { label: string; copy?: string; children: ReactNode }) {
  const { t } = useTranslation()
  return (
    <div>
      <Group gap={4}>
        <Text size="xs" c="dimmed">
          {label}
        </Text>
        {copy !== undefined && (
          <CopyButton value={copy}>
            {({ copied, copy: doCopy }) => (
              <ActionIcon
                size="xs"
                variant="subtle"
                color={copied ? 'teal' : 'gray'}
                onClick={doCopy}
                aria-label={t('browser.copy', { what: label })}
              >
                <Icon name={copied ? 'check' : 'copy'} size={12} />
              </ActionIcon>
            )}
          </CopyButton>
        )}
      </Group>
      <Text size="sm" component="div" className="name">
        {children}
      </Text>
    </div>
  )
}
