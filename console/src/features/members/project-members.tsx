import { Button, Text } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { User } from '#contract/auth.ts'
import type { Project } from '#contract/projects.ts'
import type { ProjectRole } from '#contract/route.ts'
import { api } from '../../app/session.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { Icon } from '../../ui/icon.tsx'
import { Reasoned } from '../../ui/reasoned.tsx'
import { Failed, Loading } from '../../ui/states.tsx'
import { toast } from '../../ui/toasts.tsx'
import { AddPeople } from './add-people.tsx'
import { PeopleTable } from './people-table.tsx'

const roles = ['owner', 'engineer', 'annotationManager', 'annotator'] as const satisfies readonly ProjectRole[]

/** The people and bots of a project. */
export function ProjectMembers({ project }: { project: Project }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const [isAdding, setAdding] = useState(false)
  const [leaving, setLeaving] = useState<User | null>(null)
  const params = { projectId: project.id }
  const key = ['members', 'project', project.id]
  const members = useQuery({ queryKey: key, queryFn: ({ signal }) => api.listProjectMembers({ params, signal }) })
  const refresh = () =>
    Promise.all([queries.invalidateQueries({ queryKey: key }), queries.invalidateQueries({ queryKey: ['projects'] })])
  const words = roles.map((role) => ({
    role,
    label: t(`members.projectRoles.${role}`),
    hint: t(`members.projectRoleHints.${role}`),
  }))
  const setRole = useMutation({
    mutationFn: ({ person, role }: { person: User; role: string }) =>
      api.updateProjectMember({ params: { ...params, member: person.email }, body: { role: role as ProjectRole } }),
    onSuccess: (_answer, { person, role }) =>
      toast(t('members.changed', { name: person.email, role: t(`members.projectRoles.${role as ProjectRole}`) })),
    onError: (error) => toast(error.message, 'failed'),
    onSettled: refresh,
  })
  const remove = useMutation({
    mutationFn: (person: User) => api.removeProjectMember({ params: { ...params, member: person.email } }),
    onSuccess: async (_answer, { email }) => {
      toast(t('members.removed', { name: email }))
      setLeaving(null)
      await refresh()
    },
  })
  if (members.error) return <Failed error={members.error} retry={() => members.refetch()} />
  if (members.isPending) return <Loading />
  const reason = project.role === 'owner' ? null : t('members.ownersOnly')
  return (
    <>
      <PeopleTable
        people={members.data}
        roles={words}
        whyNot={() => reason}
        setRole={(person, role) => setRole.mutate({ person, role })}
        remove={setLeaving}
        action={
          <Reasoned reason={reason}>
            <Button leftSection={<Icon name="plus" size={18} />} onClick={() => setAdding(true)} disabled={!!reason}>
              {t('members.add')}
            </Button>
          </Reasoned>
        }
      />
      {isAdding && (
        <AddPeople
          place={project.name}
          roles={words}
          usual="annotator"
          add={async (emails, role) => {
            try {
              for (const member of emails)
                await api.addProjectMember({ params: { ...params, member }, body: { role: role as ProjectRole } })
            } finally {
              await refresh()
            }
          }}
          close={() => setAdding(false)}
        />
      )}
      {leaving !== null && (
        <Confirm
          title={t('members.removeTitle', { name: leaving.email })}
          deed={t('actions.remove')}
          isBusy={remove.isPending}
          error={remove.error}
          confirm={() => remove.mutate(leaving)}
          close={() => setLeaving(null)}
        >
          <Text size="sm">{t('members.removeFromProject')}</Text>
        </Confirm>
      )}
    </>
  )
}
