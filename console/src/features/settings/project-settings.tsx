import { Button, Divider, Group, Stack, Text, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Project } from '#contract/projects.ts'
import { api } from '../../app/session.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { CopyText } from '../../ui/copy-text.tsx'
import { FormProblem } from '../../ui/form-problem.tsx'
import { Reasoned } from '../../ui/reasoned.tsx'
import { toast } from '../../ui/toasts.tsx'

/** A project's name, its id, and its end. */
export function ProjectSettings({ project }: { project: Project }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const [name, setName] = useState(project.name)
  const [isDeleting, setDeleting] = useState(false)
  const reason = project.role === 'owner' ? null : t('settings.ownersOnly')
  const rename = useMutation({
    mutationFn: () => api.updateProject({ params: { projectId: project.id }, body: { name } }),
    onSuccess: async () => {
      toast(t('settings.saved'))
      await queries.invalidateQueries({ queryKey: ['projects'] })
    },
  })
  return (
    <Stack>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          rename.mutate()
        }}
      >
        <Group align="flex-end">
          <TextInput
            flex={1}
            label={t('settings.projectName')}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            disabled={reason !== null}
            maxLength={255}
          />
          <Reasoned reason={reason}>
            <Button
              type="submit"
              disabled={reason !== null || name === '' || name === project.name}
              loading={rename.isPending}
            >
              {t('actions.save')}
            </Button>
          </Reasoned>
        </Group>
      </form>
      <FormProblem error={rename.error} />
      <CopyText label={t('settings.projectId')} text={project.id} />
      <Divider />
      <Reasoned reason={reason}>
        <Button
          color="red"
          variant="light"
          w="max-content"
          onClick={() => setDeleting(true)}
          disabled={reason !== null}
        >
          {t('settings.deleteProject')}
        </Button>
      </Reasoned>
      {isDeleting && <DeleteProject project={project} close={() => setDeleting(false)} />}
    </Stack>
  )
}

function DeleteProject({ project, close }: { project: Project; close: () => void }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const { id, name } = project
  const remove = useMutation({
    mutationFn: () => api.deleteProject({ params: { projectId: id } }),
    onSuccess: async () => {
      toast(t('settings.projectDeleted', { name }))
      close()
      await queries.invalidateQueries({ queryKey: ['projects'] })
      await navigate({ to: '/' })
    },
  })
  return (
    <Confirm
      title={t('settings.deleteProjectTitle', { name })}
      deed={t('settings.deleteProject')}
      typed={name}
      isBusy={remove.isPending}
      error={remove.error}
      confirm={() => remove.mutate()}
      close={close}
    >
      <Text size="sm">{t('settings.deleteProjectText')}</Text>
    </Confirm>
  )
}
