import { Button, Stack, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Navigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useProjectId, useProjects } from '../../app/place.ts'
import { api } from '../../app/session.ts'
import { Empty, Failed, Loading } from '../../ui/states.tsx'

/** Leads to the last project's datasets; to somebody without a project it offers to make one. */
export function HomePage() {
  const projects = useProjects()
  const projectId = useProjectId()
  if (projects.error) return <Failed error={projects.error} retry={() => projects.refetch()} />
  if (projects.isPending) return <Loading />
  return projectId === undefined ? (
    <FirstProject />
  ) : (
    <Navigate to="/projects/$projectId/datasets" params={{ projectId }} replace />
  )
}

function FirstProject() {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const [name, setName] = useState('')
  const create = useMutation({
    mutationFn: () => api.createProject({ body: { name } }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['projects'] }),
  })
  const form = (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        create.mutate()
      }}
    >
      <Stack w="20rem" maw="100%">
        <TextInput
          label={t('home.projectName')}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          required
        />
        <Button type="submit" loading={create.isPending} disabled={name.trim() === ''}>
          {t('home.create')}
        </Button>
        {create.error && <Failed error={create.error} />}
      </Stack>
    </form>
  )
  return <Empty title={t('home.title')} text={t('home.text')} action={form} />
}
