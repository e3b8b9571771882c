import { ActionIcon, Anchor, Badge, Group, Menu, Table, Text, Tooltip } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import type { Driver } from '#contract/drivers.ts'
import { openConnect } from '../../app/connect.ts'
import { useIntegrations } from '../../app/integration-kinds.ts'
import { useOrgId } from '../../app/rights.ts'
import { api } from '../../app/session.ts'
import { formatCount } from '../../ui/format.ts'
import { Icon } from '../../ui/icon.tsx'
import { MadeBy } from '../../ui/made-by.tsx'
import { ProviderIcon } from '../../ui/provider-icon.tsx'
import { toast } from '../../ui/toasts.tsx'
import { WideTable } from '../../ui/wide-table.tsx'
import { bucketOf, providerOf, stateColours } from './driver-place.ts'

interface Props {
  drivers: readonly Driver[]
  look: (driverId: string) => void
  remove: (driver: Driver) => void
}

/** Storage drivers in rows: where they lead, by what, in which state, and what uses them. */
export function DriverTable({ drivers, look, remove }: Props) {
  const { t } = useTranslation()
  const integrations = useIntegrations(useOrgId())
  return (
    <WideTable minWidth={900} secondary={[2, 4, 5, 6, 8]} highlightOnHover verticalSpacing="xs">
      <Table.Thead>
        <Table.Tr>
          {(['name', 'type', 'place', 'integration', 'allowDelete', 'datasets', 'state', 'created'] as const).map(
            (column) => (
              <Table.Th key={column} ta={column === 'datasets' ? 'right' : undefined}>
                {t(`drivers.${column}`)}
              </Table.Th>
            ),
          )}
          <Table.Th w={48} />
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {drivers.map((driver) => (
          <Table.Tr key={driver.id}>
            <Table.Td className="name">
              <Anchor component="button" type="button" ta="left" fw={500} onClick={() => look(driver.id)}>
                {driver.name}
              </Anchor>
            </Table.Td>
            <Table.Td>
              <Group gap={4} wrap="nowrap">
                <ProviderIcon provider={providerOf(driver.type)} />
                <Text size="sm">{t(`driverTypes.${driver.type}` as 'driverTypes.s3', driver.type)}</Text>
              </Group>
            </Table.Td>
            <Table.Td className="name">
              <Text size="sm">{bucketOf(driver)}</Text>
              <Text size="xs" c="dimmed">
                {driver.folder === '' ? t('drivers.wholeStorage') : driver.folder}
              </Text>
            </Table.Td>
            <Table.Td className="name">
              <Text size="sm">
                {driver.integrationId === null
                  ? t('drivers.none')
                  : (integrations.data?.find(({ id }) => id === driver.integrationId)?.name ?? driver.integrationType)}
              </Text>
            </Table.Td>
            <Table.Td>
              <Text size="sm">
                {t(
                  driver.readOnly
                    ? 'drivers.readOnly'
                    : driver.allowExternalDelete
                      ? 'drivers.allowed'
                      : 'drivers.never',
                )}
              </Text>
            </Table.Td>
            <Table.Td ta="right">{formatCount(driver.datasetsCount)}</Table.Td>
            <Table.Td>
              <State driver={driver} />
            </Table.Td>
            <MadeBy who={driver.creator} at={driver.createdAt} />
            <Table.Td>
              <RowMenu driver={driver} look={look} remove={remove} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  )
}

/** In which state a driver is, with the reason for those who point at it or reach it by keyboard. */
function State({ driver }: { driver: Driver }) {
  const { t } = useTranslation()
  const badge = (
    <Badge
      variant="light"
      color={stateColours[driver.state]}
      w="max-content"
      {...(driver.stateReason !== null && { tabIndex: 0 })}
    >
      {t(`driverStates.${driver.state}`)}
    </Badge>
  )
  if (driver.stateReason === null) return badge
  return (
    <Tooltip label={driver.stateReason} multiline maw="22rem" events={{ hover: true, focus: true, touch: true }}>
      {badge}
    </Tooltip>
  )
}

function RowMenu({ driver, look, remove }: Omit<Props, 'drivers'> & { driver: Driver }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const { id, name } = driver
  const test = useMutation({
    mutationFn: () => api.testDriver({ params: { driverId: id } }),
    onSuccess: () => toast(t('drivers.tested', { name })),
    onError: (error) => toast(t('drivers.testFailed', { name, reason: error.message }), 'failed'),
    onSettled: async () => {
      await queries.invalidateQueries({ queryKey: ['drivers'] })
      look(id)
    },
  })
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={t('actions.more', { name })} loading={test.isPending}>
          <Icon name="more" />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => look(id)} leftSection={<Icon name="search" size={16} />}>
          {t('drivers.details')}
        </Menu.Item>
        <Menu.Item
          onClick={() => openConnect({ step: 'driver', driverId: id })}
          leftSection={<Icon name="edit" size={16} />}
        >
          {t('actions.edit')}
        </Menu.Item>
        <Menu.Item onClick={() => test.mutate()} leftSection={<Icon name="check" size={16} />}>
          {t('actions.test')}
        </Menu.Item>
        {driver.state === 'ready' && (
          <Menu.Item
            onClick={() => openConnect({ step: 'dataset', driverId: id })}
            leftSection={<Icon name="dataset" size={16} />}
          >
            {t('drivers.addDataset')}
          </Menu.Item>
        )}
        <Menu.Divider />
        <Menu.Item color="red" onClick={() => remove(driver)} leftSection={<Icon name="trash" size={16} />}>
          {t('actions.delete')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
