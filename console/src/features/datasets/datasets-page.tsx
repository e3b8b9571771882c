import { Badge, Table, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api } from '../../app/session.ts'
import { formatCount, formatTime } from '../../ui/format.ts'
import { Icon } from '../../ui/icon.tsx'
import { PageLink } from '../../ui/link.tsx'
import { Page } from '../../ui/page.tsx'
import { Empty, Failed, Loading } from '../../ui/states.tsx'

/** The datasets of a project. */
export function DatasetsPage() {
  const { t } = useTranslation()
  const { projectId } = useParams({ from: '/shell/projects/$projectId/datasets' })
  const [search, setSearch] = useState('')
  const datasets = useQuery({
    queryKey: ['datasets', projectId],
    queryFn: ({ signal }) =>
      api.queryDatasets({ body: { filter: {}, context: { projects: [projectId] } } as never, signal }),
  })
  if (datasets.error) return <Failed error={datasets.error} retry={() => datasets.refetch()} />
  if (datasets.isPending) return <Loading />
  const all = datasets.data.items
  const shown = all.filter(({ name }) => name.toLowerCase().includes(search.toLowerCase()))
  const items = all.reduce((sum, { itemsCount }) => sum + (itemsCount ?? 0), 0)
  return (
    <Page
      title={t('datasets.title')}
      figures={`${t('datasets.count', { count: all.length })} · ${t('datasets.items', { count: items })}`}
    >
      {all.length === 0 ? (
        <Empty title={t('datasets.emptyTitle')} text={t('datasets.emptyText')} />
      ) : (
        <>
          <TextInput
            aria-label={t('datasets.search')}
            placeholder={t('datasets.search')}
            leftSection={<Icon name="search" size={16} />}
            value={search}
            onChange={(event) => setSearch(event.currentTarget.value)}
            maw="20rem"
            mb="sm"
          />
          <Table.ScrollContainer minWidth={640}>
            <Table highlightOnHover>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t('datasets.name')}</Table.Th>
                  <Table.Th ta="right">{t('datasets.itemsColumn')}</Table.Th>
                  <Table.Th>{t('datasets.driver')}</Table.Th>
                  <Table.Th>{t('datasets.created')}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {shown.map((dataset) => (
                  <Table.Tr key={dataset.id}>
                    <Table.Td className="name">
                      <PageLink to="/datasets/$datasetId" params={{ datasetId: dataset.id }}>
                        {dataset.name}
                      </PageLink>
                    </Table.Td>
                    <Table.Td ta="right">{formatCount(dataset.itemsCount ?? 0)}</Table.Td>
                    <Table.Td>
                      <Badge variant="light" color="gray">
                        {dataset.driver === null ? t('datasets.platform') : t('datasets.driver')}
                      </Badge>
                    </Table.Td>
                    <Table.Td>
                      <Text size="sm">{formatTime(dataset.createdAt)}</Text>
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        </>
      )}
    </Page>
  )
}
