import { Button, Text } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { User } from '#contract/auth.ts'
import type { Org } from '#contract/orgs.ts'
import type { OrgRole } from '#contract/route.ts'
import { useIsOrgAdmin, useOrgRole } from '../../app/rights.ts'
import { api } from '../../app/session.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { Icon } from '../../ui/icon.tsx'
import { Reasoned } from '../../ui/reasoned.tsx'
import { Failed, Loading } from '../../ui/states.tsx'
import { toast } from '../../ui/toasts.tsx'
import { AddPeople } from './add-people.tsx'
import { PeopleTable } from './people-table.tsx'

const roles = ['owner', 'admin', 'member', 'worker'] as const satisfies readonly OrgRole[]

/** The people of an organization. */
export function OrgMembers({ org }: { org: Org }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const [isAdding, setAdding] = useState(false)
  const [leaving, setLeaving] = useState<User | null>(null)
  const isAdmin = useIsOrgAdmin(org.id)
  const isOwner = useOrgRole(org.id) === 'owner'
  const params = { orgId: org.id }
  const key = ['members', 'org', org.id]
  const members = useQuery({ queryKey: key, queryFn: ({ signal }) => api.listOrgMembers({ params, signal }) })
  const refresh = () =>
    Promise.all([
      queries.invalidateQueries({ queryKey: ['members'] }),
      queries.invalidateQueries({ queryKey: ['orgs'] }),
    ])
  // Only an owner makes owners.
  const offered = isOwner ? roles : roles.filter((role) => role !== 'owner')
  const wordsOf = (list: readonly OrgRole[]) =>
    list.map((role) => ({ role, label: t(`members.orgRoles.${role}`), hint: t(`members.orgRoleHints.${role}`) }))
  const setRole = useMutation({
    mutationFn: ({ person, role }: { person: User; role: string }) =>
      api.updateOrgMember({ params, body: { email: person.email, role: role as OrgRole } }),
    onSuccess: (_answer, { person, role }) =>
      toast(t('members.changed', { name: person.email, role: t(`members.orgRoles.${role as OrgRole}`) })),
    onError: (error) => toast(error.message, 'failed'),
    onSettled: refresh,
  })
  const remove = useMutation({
    mutationFn: (person: User) => api.removeOrgMember({ params: { ...params, member: person.email } }),
    onSuccess: async (_answer, { email }) => {
      toast(t('members.removed', { name: email }))
      setLeaving(null)
      await refresh()
    },
  })
  if (members.error) return <Failed error={members.error} retry={() => members.refetch()} />
  if (members.isPending) return <Loading />
  const whyNot = ({ role, email, id }: User): string | null => {
    if (!isAdmin) return t('members.adminsOnly')
    if (email === org.creator || id === org.creator) return t('members.creatorStays')
    return role === 'owner' && !isOwner ? t('members.ownersByOwners') : null
  }
  return (
    <>
      <PeopleTable
        people={members.data}
        // All of them, so that an owner's role is shown to those who cannot give it.
        roles={wordsOf(roles)}
        whyNot={whyNot}
        setRole={(person, role) => setRole.mutate({ person, role })}
        remove={setLeaving}
        action={
          <Reasoned reason={isAdmin ? null : t('members.adminsOnly')}>
            <Button leftSection={<Icon name="plus" size={18} />} onClick={() => setAdding(true)} disabled={!isAdmin}>
              {t('members.add')}
            </Button>
          </Reasoned>
        }
      />
      {isAdding && (
        <AddPeople
          place={org.name}
          roles={wordsOf(offered)}
          usual="member"
          add={async (emails, role) => {
            await api.addOrgMembers({ params, body: { emails: [...emails], role: role as OrgRole } })
            await refresh()
          }}
          close={() => setAdding(false)}
        />
      )}
      {leaving !== null && (
        <Confirm
          title={t('members.removeTitle', { name: leaving.email })}
          deed={t('actions.remove')}
          typed={leaving.email}
          isBusy={remove.isPending}
          error={remove.error}
          confirm={() => remove.mutate(leaving)}
          close={() => setLeaving(null)}
        >
          <Text size="sm">{t('members.removeFromOrg')}</Text>
        </Confirm>
      )}
    </>
  )
}
