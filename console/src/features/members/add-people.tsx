import { Button, Group, Modal, Select, Stack, Text, Textarea } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { FormProblem } from '../../ui/form-problem.tsx'
import { toast } from '../../ui/toasts.tsx'
import type { RoleWords } from './people-table.tsx'

interface Props {
  /** Where they are added to. */
  place: string
  roles: readonly RoleWords[]
  /** The role that is offered first. */
  usual: string
  add: (emails: readonly string[], role: string) => Promise<void>
  close: () => void
}

/** Asks for e-mail addresses and a role. */
export function AddPeople({ place, roles, usual, add, close }: Props) {
  const { t } = useTranslation()
  const [text, setText] = useState('')
  const [role, setRole] = useState(usual)
  const emails = [...new Set(text.split(/[\s,;]+/).filter((part) => part !== ''))]
  const wrong = emails.find((email) => !/^[^@]+@[^@]+$/.test(email))
  const adding = useMutation({
    mutationFn: () => add(emails, role),
    onSuccess: () => {
      toast(t('members.invited', { count: emails.length }))
      close()
    },
  })
  return (
    <Modal
      opened
      onClose={close}
      title={t('members.addTo', { name: place })}
      closeButtonProps={{ 'aria-label': t('actions.close') }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          adding.mutate()
        }}
      >
        <Stack>
          <Textarea
            label={t('members.emails')}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            error={wrong === undefined ? null : t('members.badEmail', { text: wrong })}
            autosize
            minRows={2}
            data-autofocus
          />
          <Select
            label={t('members.role')}
            data={roles.map(({ role: value, label }) => ({ value, label }))}
            description={roles.find((each) => each.role === role)?.hint}
            value={role}
            onChange={(chosen) => chosen !== null && setRole(chosen)}
            allowDeselect={false}
          />
          <Text size="xs" c="dimmed">
            {t('members.notSentText')}
          </Text>
          <FormProblem error={adding.error} />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {t('actions.cancel')}
            </Button>
            <Button type="submit" disabled={emails.length === 0 || wrong !== undefined} loading={adding.isPending}>
              {t('members.add')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
