import { Alert, Button, Group, Modal, Stack, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { api } from '../../app/session.ts'
import { CopyText } from '../../ui/copy-text.tsx'
import { FormProblem } from '../../ui/form-problem.tsx'
import { formatTime } from '../../ui/format.ts'

/** Makes the link by which somebody who was added sets their first password, and shows it this once. */
export function InvitationLink({ email, close }: { email: string; close: () => void }) {
  const { t } = useTranslation()
  const make = useMutation({ mutationFn: () => api.createInvitation({ params: { user: email } }) })
  return (
    <Modal
      opened
      onClose={close}
      size="lg"
      title={t('members.link.title', { name: email })}
      closeButtonProps={{ 'aria-label': t('actions.close') }}
    >
      <Stack>
        <Text size="sm">{t('members.link.text')}</Text>
        <FormProblem error={make.error} />
        {make.data !== undefined && (
          <Alert color="teal" title={t('members.link.made', { when: formatTime(make.data.expiresAt) })}>
            <CopyText label={t('members.link.label')} text={make.data.link} />
          </Alert>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            {t('actions.close')}
          </Button>
          {make.data === undefined && (
            <Button data-autofocus loading={make.isPending} onClick={() => make.mutate()}>
              {t('members.link.make')}
            </Button>
          )}
        </Group>
      </Stack>
    </Modal>
  )
}
