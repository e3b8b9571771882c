import { ActionIcon, Badge, Button, Group, Select, Table, Text, TextInput } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { User } from '#contract/auth.ts'
import { useMe } from '../../app/place.ts'
import { formatTime } from '../../ui/format.ts'
import { Icon } from '../../ui/icon.tsx'
import { Reasoned } from '../../ui/reasoned.tsx'
import { WideTable } from '../../ui/wide-table.tsx'
import { InvitationLink } from './invitation-link.tsx'

/** A role with the word and the sentence people read. */
export interface RoleWords {
  readonly role: string
  readonly label: string
  readonly hint: string
}

interface Props {
  people: readonly User[]
  roles: readonly RoleWords[]
  /** Why this person's role cannot be changed, or the person removed; null when it can. */
  whyNot: (person: User) => string | null
  setRole: (person: User, role: string) => void
  remove: (person: User) => void
  /** Beside the search: what adds people. */
  action: ReactNode
}

/** People and bots with their roles. */
export function PeopleTable({ people, roles, whyNot, setRole, remove, action }: Props) {
  const { t } = useTranslation()
  const [search, setSearch] = useState('')
  const shown = people.filter(({ email }) => email.toLowerCase().includes(search.toLowerCase()))
  return (
    <>
      <Group mb="sm" justify="space-between">
        <TextInput
          aria-label={t('members.search')}
          placeholder={t('members.search')}
          leftSection={<Icon name="search" size={16} />}
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
          w="min(20rem, 100%)"
        />
        {action}
      </Group>
      <WideTable minWidth={560} secondary={[3]} highlightOnHover verticalSpacing="xs">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('members.person')}</Table.Th>
            <Table.Th>{t('members.role')}</Table.Th>
            <Table.Th>{t('members.since')}</Table.Th>
            <Table.Th w={48} />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {shown.map((person) => (
            <Person key={person.id} {...{ person, roles, setRole, remove }} reason={whyNot(person)} />
          ))}
        </Table.Tbody>
      </WideTable>
      <dl>
        {roles.map(({ role, label, hint }) => (
          <Text key={role} size="xs" c="dimmed" component="div">
            <dt style={{ display: 'inline', fontWeight: 600 }}>{label}:</dt>{' '}
            <dd style={{ display: 'inline', margin: 0 }}>{hint}</dd>
          </Text>
        ))}
      </dl>
    </>
  )
}

interface PersonProps extends Pick<Props, 'roles' | 'setRole' | 'remove'> {
  person: User
  reason: string | null
}

function Person({ person, roles, reason, setRole, remove }: PersonProps) {
  const { t } = useTranslation()
  const me = useMe()
  const [isInviting, setInviting] = useState(false)
  const { email, firstName, type } = person
  return (
    <Table.Tr>
      <Table.Td className="name">
        {type === 'bot' ? firstName : email}{' '}
        {person.id === me.data?.id && (
          <Badge size="xs" variant="light">
            {t('members.you')}
          </Badge>
        )}
        {type === 'bot' && (
          <Badge size="xs" variant="light" color="gray">
            {t('members.bot')}
          </Badge>
        )}
        {type === 'bot' && (
          <Text size="xs" c="dimmed">
            {email}
          </Text>
        )}
        {person.isInvited && (
          <Group gap="xs" mt={4}>
            <Badge size="xs" variant="light" color="yellow" w="max-content">
              {t('members.waits')}
            </Badge>
            {reason === null && (
              <Button size="compact-xs" variant="subtle" onClick={() => setInviting(true)}>
                {t('members.link.deed')}
              </Button>
            )}
          </Group>
        )}
        {isInviting && <InvitationLink email={email} close={() => setInviting(false)} />}
      </Table.Td>
      <Table.Td>
        {reason !== null ? (
          // Words, not a control that is off: what the role is can be read by everybody.
          <Reasoned reason={reason}>
            <Text size="sm">{roles.find(({ role }) => role === person.role)?.label ?? person.role}</Text>
          </Reasoned>
        ) : (
          <Select
            aria-label={t('members.roleOf', { name: email })}
            data={roles.map(({ role, label }) => ({ value: role, label }))}
            value={person.role}
            onChange={(role) => role !== null && role !== person.role && setRole(person, role)}
            allowDeselect={false}
            size="xs"
            w="min(12rem, 36vw)"
          />
        )}
      </Table.Td>
      <Table.Td>
        <Text size="sm">{formatTime(person.createdAt)}</Text>
      </Table.Td>
      <Table.Td>
        {reason === null && (
          <ActionIcon
            variant="subtle"
            color="red"
            onClick={() => remove(person)}
            aria-label={`${t('actions.remove')}: ${email}`}
          >
            <Icon name="trash" size={18} />
          </ActionIcon>
        )}
      </Table.Td>
    </Table.Tr>
  )
}
