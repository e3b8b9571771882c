import { Alert, Box, Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Dataset } from '#contract/datasets.ts'
import type { BrowserSearch } from '../../app/view-search.ts'
import { FormProblem } from '../../ui/form-problem.tsx'
import { formatCount } from '../../ui/format.ts'
import { toast } from '../../ui/toasts.tsx'
import type { Choice } from './choice.ts'
import { FolderTree } from './folder-tree.tsx'
import { MOVED_MAX, moveChosen } from './move-items.ts'

/** Chooses or names the folder that items are moved to. */
export function MoveDialog({
  dataset,
  search,
  choice,
  close,
  ended,
}: {
  dataset: Dataset
  search: BrowserSearch
  choice: Choice
  close: () => void
  ended: () => void
}) {
  const { t } = useTranslation()
  const [folder, setFolder] = useState(search.dir ?? '/')
  const move = useMutation({
    mutationFn: () => moveChosen(dataset, choice, search, folder),
    onSuccess: (count) => {
      toast(t('browser.moved', { count, shown: formatCount(count), folder }))
      ended()
    },
  })
  const isTooMany = choice.count > MOVED_MAX
  const problem = folder.startsWith('/') ? undefined : t('browser.folderSlash')
  return (
    <Modal
      opened
      onClose={close}
      title={t('browser.moveTitle', { count: choice.count, shown: formatCount(choice.count) })}
      closeButtonProps={{ 'aria-label': t('actions.close') }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (problem === undefined && !isTooMany) move.mutate()
        }}
      >
        <Stack>
          <TextInput
            label={t('browser.toFolder')}
            description={t('browser.toFolderHint')}
            value={folder}
            error={problem}
            onChange={(event) => setFolder(event.currentTarget.value)}
            autoComplete="off"
            data-autofocus
          />
          <Box h="16rem" bd="1px solid var(--mantine-color-default-border)">
            <FolderTree datasetId={dataset.id} dir={folder} onOpen={setFolder} />
          </Box>
          <Text size="xs" c="dimmed">
            {t('browser.moveText')}
          </Text>
          {isTooMany && <Alert color="yellow">{t('browser.tooManyMoved', { max: formatCount(MOVED_MAX) })}</Alert>}
          <FormProblem error={move.error} />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {t('actions.cancel')}
            </Button>
            <Button type="submit" loading={move.isPending} disabled={problem !== undefined || isTooMany}>
              {t('browser.move')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
