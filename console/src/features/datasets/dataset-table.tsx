import { ActionIcon, Badge, Checkbox, Group, Loader, Menu, Table, Text, Tooltip } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Dataset } from '#contract/datasets.ts'
import type { Driver } from '#contract/drivers.ts'
import { formatCount } from '../../ui/format.ts'
import { Icon } from '../../ui/icon.tsx'
import { PageLink } from '../../ui/link.tsx'
import { MadeBy } from '../../ui/made-by.tsx'
import { WideTable } from '../../ui/wide-table.tsx'
import { providerOf, stateOf } from './dataset-kinds.ts'

/** What can be done with one dataset of the list. */
export type DatasetDeed = 'rename' | 'clone' | 'delete'

interface Props {
  datasets: readonly Dataset[]
  drivers: ReadonlyMap<string, Driver>
  chosen: ReadonlySet<string>
  isDeveloper: boolean
  choose: (id: string, isChosen: boolean) => void
  act: (deed: DatasetDeed, dataset: Dataset) => void
}

/** Datasets, one a line. */
export function DatasetTable({ datasets, drivers, chosen, isDeveloper, choose, act }: Props) {
  const { t } = useTranslation()
  return (
    <WideTable
      minWidth={820}
      secondary={isDeveloper ? [4, 5, 6, 8] : [3, 4, 5, 7]}
      highlightOnHover
      verticalSpacing="xs"
    >
      <Table.Thead>
        <Table.Tr>
          {isDeveloper && <Table.Th w={36} aria-label={t('datasets.chosen')} />}
          <Table.Th>{t('datasets.name')}</Table.Th>
          <Table.Th ta="right">{t('datasets.itemsColumn')}</Table.Th>
          <Table.Th ta="right">{t('datasets.annotated')}</Table.Th>
          <Table.Th>{t('datasets.type')}</Table.Th>
          <Table.Th>{t('datasets.driver')}</Table.Th>
          <Table.Th>{t('datasets.state')}</Table.Th>
          <Table.Th>{t('datasets.created')}</Table.Th>
          <Table.Th w={44} aria-label={t('datasets.deeds')} />
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {datasets.map((dataset) => (
          <Table.Tr key={dataset.id}>
            {isDeveloper && (
              <Table.Td>
                <Checkbox
                  size="xs"
                  aria-label={t('datasets.choose', { name: dataset.name })}
                  checked={chosen.has(dataset.id)}
                  onChange={(event) => choose(dataset.id, event.currentTarget.checked)}
                />
              </Table.Td>
            )}
            <Table.Td className="name" fw={500}>
              <PageLink to="/datasets/$datasetId" params={{ datasetId: dataset.id }}>
                {dataset.name}
              </PageLink>
            </Table.Td>
            <Table.Td ta="right">{formatCount(dataset.itemsCount)}</Table.Td>
            <Table.Td ta="right">
              {dataset.itemsCount === 0 ? '–' : `${Math.round((dataset.annotated / dataset.itemsCount) * 100)} %`}
            </Table.Td>
            <Table.Td>
              <Badge variant="outline" color="gray">
                {t(`datasets.kinds.${kindOf(dataset)}`)}
              </Badge>
            </Table.Td>
            <Table.Td>
              <Storage dataset={dataset} driver={drivers.get(dataset.driver ?? '')} />
            </Table.Td>
            <Table.Td>
              <State dataset={dataset} driver={drivers.get(dataset.driver ?? '')} />
            </Table.Td>
            <MadeBy who={dataset.creator} at={dataset.createdAt} />
            <Table.Td>
              <RowMenu dataset={dataset} isDeveloper={isDeveloper} act={act} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  )
}

const kindOf = ({ readableType }: Dataset) =>
  readableType === 'clone' || readableType === 'merge' ? readableType : 'master'

function Storage({ dataset, driver }: { dataset: Dataset; driver: Driver | undefined }) {
  const { t } = useTranslation()
  return (
    <>
      <Text size="sm">{t(`datasets.providers.${providerOf(dataset, driver)}`)}</Text>
      {driver !== undefined && (
        <Text size="xs" c="dimmed" className="name">
          {driver.name}
        </Text>
      )}
    </>
  )
}

function State({ dataset, driver }: { dataset: Dataset; driver: Driver | undefined }) {
  const { t } = useTranslation()
  const state = stateOf(dataset, driver)
  const text = t(`datasets.states.${state}`)
  if (state === 'syncing')
    return (
      <Group gap={6} wrap="nowrap">
        <Loader size={14} />
        <PageLink to="/datasets/$datasetId/syncs" params={{ datasetId: dataset.id }} size="sm">
          {text}
        </PageLink>
      </Group>
    )
  const badge = (
    <Badge variant="light" color={state === 'ready' ? 'teal' : state === 'readonly' ? 'gray' : 'red'} w="max-content">
      {text}
    </Badge>
  )
  return state === 'disconnected' ? <Tooltip label={driver?.stateReason ?? text}>{badge}</Tooltip> : badge
}

function RowMenu({
  dataset,
  isDeveloper,
  act,
}: {
  dataset: Dataset
  isDeveloper: boolean
  act: (deed: DatasetDeed, dataset: Dataset) => void
}) {
  const { t } = useTranslation()
  const params = { datasetId: dataset.id }
  if (!isDeveloper) return null
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={t('actions.more', { name: dataset.name })}>
          <Icon name="more" size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => act('rename', dataset)}>{t('actions.rename')}</Menu.Item>
        <Menu.Item onClick={() => act('clone', dataset)}>{t('clone.deed')}</Menu.Item>
        {dataset.driver !== null && dataset.readableType === 'master' && (
          <Menu.Item
            renderRoot={(props) => (
              <PageLink to="/datasets/$datasetId/sync-settings" params={params} underline="never" {...props} />
            )}
          >
            {t('datasets.syncSettings')}
          </Menu.Item>
        )}
        <Menu.Divider />
        <Menu.Item color="red" onClick={() => act('delete', dataset)}>
          {t('actions.delete')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
