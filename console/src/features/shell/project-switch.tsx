import { Button, Group, Modal, Select, Stack, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useProjects } from '../../app/place.ts'
import { useOrgId, useProjectOfOrg } from '../../app/rights.ts'
import { api } from '../../app/session.ts'
import { FormProblem } from '../../ui/form-problem.tsx'

const NEW = 'new'

/** The active project of the active organization; its last entry makes a new one. */
export function ProjectSwitch() {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const projects = useProjects()
  const orgId = useOrgId()
  const projectId = useProjectOfOrg()
  const [isNew, setNew] = useState(false)
  const offered = (projects.data ?? []).filter(({ org }) => org.id === orgId)
  return (
    <>
      <Select
        aria-label={t('nav.project')}
        placeholder={t('nav.noProject')}
        data={[
          ...offered.map(({ id, name }) => ({ value: id, label: name })),
          ...(orgId === undefined ? [] : [{ value: NEW, label: `${t('nav.newProject')} …` }]),
        ]}
        value={projectId ?? null}
        onChange={(chosen) => {
          if (chosen === NEW) setNew(true)
          else if (chosen !== null)
            void navigate({ to: '/projects/$projectId/datasets', params: { projectId: chosen } })
        }}
        searchable
        allowDeselect={false}
        w="min(16rem, 45vw)"
        size="sm"
      />
      {isNew && orgId !== undefined && <NewProject orgId={orgId} close={() => setNew(false)} />}
    </>
  )
}

function NewProject({ orgId, close }: { orgId: string; close: () => void }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const [name, setName] = useState('')
  const create = useMutation({
    mutationFn: () => api.createProject({ body: { name, org: orgId } }),
    onSuccess: async ({ id }) => {
      await queries.invalidateQueries({ queryKey: ['projects'] })
      close()
      await navigate({ to: '/projects/$projectId/datasets', params: { projectId: id } })
    },
  })
  return (
    <Modal opened onClose={close} title={t('nav.newProject')} closeButtonProps={{ 'aria-label': t('actions.close') }}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          create.mutate()
        }}
      >
        <Stack>
          <TextInput
            label={t('home.projectName')}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            maxLength={255}
            required
            data-autofocus
          />
          <FormProblem error={create.error} />
          <Group justify="flex-end">
            <Button type="submit" loading={create.isPending} disabled={name === ''}>
              {t('home.create')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
