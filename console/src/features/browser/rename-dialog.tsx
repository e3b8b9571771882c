import { Button, Group, Modal, Stack, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Item } from '#contract/items.ts'
import { api } from '../../app/session.ts'
import { FormProblem } from '../../ui/form-problem.tsx'
import { toast } from '../../ui/toasts.tsx'

/** Gives an item another name in its folder. */
export function RenameDialog({ item, close, ended }: { item: Item; close: () => void; ended: () => void }) {
  const { t } = useTranslation()
  const [name, setName] = useState(item.name)
  const rename = useMutation({
    mutationFn: () =>
      api.updateItem({
        params: { itemId: item.id },
        body: { filename: `${item.dir === '/' ? '' : item.dir}/${name}` },
      }),
    onSuccess: () => {
      toast(t('browser.renamed', { name }))
      ended()
    },
  })
  const problem = name.includes('/') ? t('browser.noSlash') : undefined
  return (
    <Modal
      opened
      onClose={close}
      title={t('browser.renameTitle', { name: item.name })}
      closeButtonProps={{ 'aria-label': t('actions.close') }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (problem === undefined && name !== '') rename.mutate()
        }}
      >
        <Stack>
          <TextInput
            label={t('browser.newName')}
            value={name}
            error={problem}
            onChange={(event) => setName(event.currentTarget.value)}
            autoComplete="off"
            data-autofocus
          />
          <FormProblem error={rename.error} />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {t('actions.cancel')}
            </Button>
            <Button
              type="submit"
              loading={rename.isPending}
              disabled={problem !== undefined || name === '' || name === item.name}
            >
              {t('actions.rename')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
