import { Button, Checkbox, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Dataset } from '#contract/datasets.ts'
import { formatBytes, formatCount } from '../../ui/format.ts'
import { Icon } from '../../ui/icon.tsx'
import { mirrorsStorage } from './dataset-rights.ts'
import { itemPath, type PickedFile, pickedFiles } from './picked-files.ts'
import { startUploads } from './uploads.ts'

/** Picks files or a folder, and where they go; or asks only that, for what was dropped. */
export function UploadDialog({
  dataset,
  dir,
  dropped = [],
  close,
}: {
  dataset: Dataset
  dir: string
  dropped?: readonly PickedFile[]
  close: () => void
}) {
  const { t } = useTranslation()
  const [picked, setPicked] = useState<readonly PickedFile[]>(dropped)
  const [folder, setFolder] = useState(dir)
  const [isReplacing, setReplacing] = useState(false)
  const problem = folder.startsWith('/') ? undefined : t('browser.folderSlash')
  const bytes = picked.reduce((sum, { file }) => sum + file.size, 0)
  const send = () => {
    startUploads(
      picked.map(({ file, path }) => ({
        file,
        datasetId: dataset.id,
        path: itemPath(folder.replace(/\/$/, '') || '/', path),
        mode: isReplacing ? ('overwrite' as const) : ('skip' as const),
      })),
    )
    close()
  }
  return (
    <Modal
      opened
      onClose={close}
      title={t('browser.upload.title')}
      closeButtonProps={{ 'aria-label': t('actions.close') }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (picked.length > 0 && problem === undefined) send()
        }}
      >
        <Stack>
          <Text size="sm">{t(mirrorsStorage(dataset) ? 'browser.upload.toStorage' : 'browser.upload.toPlatform')}</Text>
          <Group gap="xs">
            <PickButton text={t('browser.upload.files')} icon="file" onPick={setPicked} />
            <PickButton text={t('browser.upload.folder')} icon="folder" isFolder onPick={setPicked} />
          </Group>
          <Text size="sm" aria-live="polite" c={picked.length === 0 ? 'dimmed' : 'inherit'}>
            {picked.length === 0
              ? t('browser.upload.nothing')
              : t('browser.upload.picked', {
                  count: picked.length,
                  shown: formatCount(picked.length),
                  size: formatBytes(bytes),
                })}
          </Text>
          <TextInput
            label={t('browser.toFolder')}
            value={folder}
            error={problem}
            onChange={(event) => setFolder(event.currentTarget.value)}
            autoComplete="off"
          />
          <Checkbox
            label={t('browser.upload.replace')}
            description={t('browser.upload.replaceHint')}
            checked={isReplacing}
            onChange={(event) => setReplacing(event.currentTarget.checked)}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {t('actions.cancel')}
            </Button>
            <Button type="submit" disabled={picked.length === 0 || problem !== undefined}>
              {t('browser.upload.send')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

function PickButton({
  text,
  icon,
  isFolder = false,
  onPick,
}: {
  text: string
  icon: 'file' | 'folder'
  isFolder?: boolean
  onPick: (files: PickedFile[]) => void
}) {
  const input = useRef<HTMLInputElement>(null)
  return (
    <>
      <Button variant="default" leftSection={<Icon name={icon} size={16} />} onClick={() => input.current?.click()}>
        {text}
      </Button>
      <input
        ref={input}
        type="file"
        hidden
        multiple
        aria-label={text}
        {...(isFolder && { webkitdirectory: '' })}
        onChange={(event) => onPick(pickedFiles(event.currentTarget.files ?? []))}
      />
    </>
  )
}
