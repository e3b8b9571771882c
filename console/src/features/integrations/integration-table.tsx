import { ActionIcon, Badge, Menu, Table, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { ApiError } from '#client/client.ts'
import type { Integration } from '#contract/integrations.ts'
import { openConnect } from '../../app/connect.ts'
import type { Kind } from '../../app/integration-kinds.ts'
import { useIsDeveloper, useIsOrgAdmin, useProjectOfOrg } from '../../app/rights.ts'
import { api } from '../../app/session.ts'
import { trustOf } from '../../app/trust.ts'
import { Icon } from '../../ui/icon.tsx'
import { MadeBy } from '../../ui/made-by.tsx'
import { ProviderIcon } from '../../ui/provider-icon.tsx'
import { toast } from '../../ui/toasts.tsx'
import { WideTable } from '../../ui/wide-table.tsx'

interface Props {
  integrations: readonly Integration[]
  kinds: readonly Kind[]
  orgId: string
  remove: (integration: Integration) => void
}

/** Integrations in rows: what they are, how far they are, who uses them. */
export function IntegrationTable({ integrations, kinds, orgId, remove }: Props) {
  const { t } = useTranslation()
  return (
    <WideTable minWidth={760} secondary={[2, 4, 5]} highlightOnHover verticalSpacing="xs">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('integrations.name')}</Table.Th>
          <Table.Th>{t('integrations.type')}</Table.Th>
          <Table.Th>{t('integrations.status')}</Table.Th>
          <Table.Th>{t('integrations.usedBy')}</Table.Th>
          <Table.Th>{t('integrations.created')}</Table.Th>
          <Table.Th w={48} />
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {integrations.map((each) => (
          <Table.Tr key={each.id}>
            <Table.Td className="name" fw={500}>
              <ProviderIcon provider={each.provider} /> {each.name}
            </Table.Td>
            <Table.Td>
              <Text size="sm">{kinds.find(({ type }) => type === each.type)?.label ?? each.type}</Text>
            </Table.Td>
            <Table.Td>
              <Status integration={each} />
            </Table.Td>
            <Table.Td>
              <Text size="sm">
                {each.driversCount === 0
                  ? t('integrations.unused')
                  : t('integrations.drivers', { count: each.driversCount })}
              </Text>
            </Table.Td>
            <MadeBy who={each.creator} at={each.createdAt} />
            <Table.Td>
              <RowMenu integration={each} orgId={orgId} remove={remove} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  )
}

function Status({ integration }: { integration: Integration }) {
  const { t } = useTranslation()
  const trust = trustOf(integration)
  if (trust === null)
    return (
      <Badge variant="light" color="gray" w="max-content">
        {t('integrations.stored')}
      </Badge>
    )
  return (
    <Badge variant="light" color={trust.isTrusted ? 'teal' : 'yellow'} w="max-content">
      {t(trust.isTrusted ? 'integrations.trusted' : 'integrations.waiting')}
    </Badge>
  )
}

type RowProps = { integration: Integration; orgId: string; remove: (integration: Integration) => void }

function RowMenu({ integration, orgId, remove }: RowProps) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const isAdmin = useIsOrgAdmin(orgId)
  const isDeveloper = useIsDeveloper(useProjectOfOrg())
  const { id, name } = integration
  const test = useMutation({
    mutationFn: () => api.testIntegration({ params: { orgId, integrationId: id } }),
    onSuccess: () => toast(t('integrations.tested', { name })),
    // That only a bucket can say whether a key is right is an answer, and no failure.
    onError: (error) =>
      toast(error.message, error instanceof ApiError && error.code === 'integration.not_supported' ? 'done' : 'failed'),
    onSettled: () => queries.invalidateQueries({ queryKey: ['integrations'] }),
  })
  const testAll = useMutation({
    mutationFn: () => api.validateDrivers({ body: { integrationId: id } }),
    onSuccess: () => toast(t('integrations.testAllStarted', { name })),
    onError: (error) => toast(error.message, 'failed'),
  })
  const isStorage = integration.type !== 'key_value'
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label={t('actions.more', { what: name, name })}
          loading={test.isPending}
        >
          <Icon name="more" />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {!isAdmin && <Menu.Label>{t('integrations.adminsOnly')}</Menu.Label>}
        <Menu.Item
          disabled={!isAdmin}
          onClick={() => openConnect({ step: 'integration', integrationId: id })}
          leftSection={<Icon name="edit" size={16} />}
        >
          {t('actions.edit')}
        </Menu.Item>
        <Menu.Item disabled={!isAdmin} onClick={() => test.mutate()} leftSection={<Icon name="check" size={16} />}>
          {t('integrations.testing')}
        </Menu.Item>
        {integration.driversCount > 0 && (
          <Menu.Item disabled={!isAdmin} onClick={() => testAll.mutate()} leftSection={<Icon name="sync" size={16} />}>
            {t('integrations.testAll')}
          </Menu.Item>
        )}
        {isStorage && isDeveloper && trustOf(integration)?.isTrusted !== false && (
          <Menu.Item
            onClick={() => openConnect({ step: 'driver', integrationId: id })}
            leftSection={<Icon name="storage" size={16} />}
          >
            {t('integrations.useFor')}
          </Menu.Item>
        )}
        <Menu.Divider />
        <Menu.Item
          disabled={!isAdmin}
          color="red"
          onClick={() => remove(integration)}
          leftSection={<Icon name="trash" size={16} />}
        >
          {t('actions.delete')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
