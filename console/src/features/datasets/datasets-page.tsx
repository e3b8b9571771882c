import { Alert, Button, Group, Select, TextInput } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Dataset } from '#contract/datasets.ts'
import { CloneDialog } from '../../app/clone-dialog.tsx'
import { openConnect } from '../../app/connect.ts'
import { useIsDeveloper, useProjectRole } from '../../app/rights.ts'
import { api } from '../../app/session.ts'
import { formatCount } from '../../ui/format.ts'
import { Icon } from '../../ui/icon.tsx'
import { Page } from '../../ui/page.tsx'
import { Reasoned } from '../../ui/reasoned.tsx'
import { Empty, Failed, Loading } from '../../ui/states.tsx'
import {
  type DatasetKind,
  type DatasetProvider,
  type DatasetState,
  datasetKinds,
  datasetProviders,
  datasetStates,
  mergeProblem,
  providerOf,
  stateOf,
} from './dataset-kinds.ts'
import { type DatasetDeed, DatasetTable } from './dataset-table.tsx'
import { DeleteDataset } from './delete-dataset.tsx'
import { DeletedDatasets } from './deleted-datasets.tsx'
import { MergeDatasets } from './merge-datasets.tsx'
import { RenameDataset } from './rename-dataset.tsx'

/** While one of them is syncing the list is asked for as often. */
const SYNCING_MS = 3_000

interface Filter {
  readonly text: string
  readonly kind: DatasetKind | null
  readonly provider: DatasetProvider | null
  readonly state: DatasetState | null
}

const noFilter: Filter = { text: '', kind: null, provider: null, state: null }

/** The datasets of a project. */
export function DatasetsPage() {
  const { t } = useTranslation()
  const { projectId } = useParams({ from: '/shell/projects/$projectId/datasets' })
  const queries = useQueryClient()
  const isDeveloper = useIsDeveloper(projectId)
  const isIn = useProjectRole(projectId) !== null
  const [filter, setFilter] = useState(noFilter)
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const [deed, setDeed] = useState<{ kind: DatasetDeed; dataset: Dataset } | 'merge' | null>(null)
  const datasets = useQuery({
    queryKey: ['datasets', projectId],
    queryFn: ({ signal }) =>
      api.queryDatasets({ body: { filter: {}, context: { projects: [projectId] } } as never, signal }),
    refetchInterval: ({ state }) => (state.data?.items.some(({ isSyncing }) => isSyncing) ? SYNCING_MS : false),
  })
  const driverList = useQuery({
    queryKey: ['drivers', projectId],
    queryFn: ({ signal }) => api.listDrivers({ query: { projectId }, signal }),
    enabled: isDeveloper,
  })
  if (!isIn)
    return (
      <Page title={t('datasets.title')}>
        <Alert color="yellow" title={t('states.noPermission')}>
          {t('members.notIn')}
        </Alert>
      </Page>
    )
  if (datasets.error) return <Failed error={datasets.error} retry={() => datasets.refetch()} />
  if (datasets.isPending) return <Loading />
  const all = datasets.data.items
  const drivers = new Map((driverList.data ?? []).map((driver) => [driver.id, driver]))
  const shown = all.filter((dataset) => {
    const driver = drivers.get(dataset.driver ?? '')
    return (
      `${dataset.name}\n${driver?.name ?? ''}`.toLowerCase().includes(filter.text.toLowerCase()) &&
      (filter.kind === null || dataset.readableType === filter.kind) &&
      (filter.provider === null || providerOf(dataset, driver) === filter.provider) &&
      (filter.state === null || stateOf(dataset, driver) === filter.state)
    )
  })
  // One that was deleted meanwhile is not chosen any more.
  const toMerge = all.filter(({ id }) => chosen.has(id))
  const problem = mergeProblem(toMerge)
  const items = all.reduce((sum, { itemsCount }) => sum + itemsCount, 0)
  const create = (
    <Reasoned reason={isDeveloper ? null : t('datasets.developersOnly')}>
      <Button
        leftSection={<Icon name="plus" size={18} />}
        disabled={!isDeveloper}
        onClick={() => openConnect({ step: 'dataset' })}
      >
        {t('datasets.create')}
      </Button>
    </Reasoned>
  )
  return (
    <Page
      title={t('datasets.title')}
      figures={`${t('datasets.count', { count: all.length })} · ${t('datasets.items', { count: items, shown: formatCount(items) })}`}
      actions={
        <>
          <Button
            variant="default"
            loading={datasets.isRefetching}
            onClick={() => void queries.invalidateQueries({ queryKey: ['datasets'] })}
          >
            {t('actions.refresh')}
          </Button>
          {isDeveloper && toMerge.length > 0 && (
            <Reasoned reason={problem === null ? null : t(`datasets.merge.${problem}`)}>
              <Button
                variant="default"
                leftSection={<Icon name="merge" size={18} />}
                disabled={problem !== null}
                onClick={() => setDeed('merge')}
              >
                {t('datasets.merge.button', { count: toMerge.length })}
              </Button>
            </Reasoned>
          )}
          {create}
        </>
      }
    >
      {all.length === 0 ? (
        <Empty title={t('datasets.emptyTitle')} text={t('datasets.emptyText')} action={create} />
      ) : (
        <>
          <Filters filter={filter} set={(change) => setFilter({ ...filter, ...change })} />
          {shown.length === 0 ? (
            <Empty
              title={t('datasets.noMatch')}
              text={t('datasets.noMatchText')}
              action={<Button onClick={() => setFilter(noFilter)}>{t('browser.clearFilter')}</Button>}
            />
          ) : (
            <DatasetTable
              datasets={shown}
              drivers={drivers}
              chosen={chosen}
              isDeveloper={isDeveloper}
              choose={(id, isChosen) =>
                setChosen(new Set(isChosen ? [...chosen, id] : [...chosen].filter((each) => each !== id)))
              }
              act={(kind, dataset) => setDeed({ kind, dataset })}
            />
          )}
        </>
      )}
      {isDeveloper && <DeletedDatasets projectId={projectId} />}
      {deed === 'merge' && (
        <MergeDatasets
          datasets={toMerge}
          close={() => setDeed(null)}
          started={() => {
            setDeed(null)
            setChosen(new Set())
          }}
        />
      )}
      {deed !== null && deed !== 'merge' && <Dialog {...deed} close={() => setDeed(null)} />}
    </Page>
  )
}

function Dialog({ kind, dataset, close }: { kind: DatasetDeed; dataset: Dataset; close: () => void }) {
  if (kind === 'rename') return <RenameDataset dataset={dataset} close={close} />
  if (kind === 'clone') return <CloneDialog dataset={dataset} close={close} />
  return <DeleteDataset dataset={dataset} close={close} />
}

function Filters({ filter, set }: { filter: Filter; set: (change: Partial<Filter>) => void }) {
  const { t } = useTranslation()
  return (
    <Group mb="sm" gap="xs">
      <TextInput
        aria-label={t('datasets.search')}
        placeholder={t('datasets.search')}
        leftSection={<Icon name="search" size={16} />}
        value={filter.text}
        onChange={(event) => set({ text: event.currentTarget.value })}
        w="min(20rem, 100%)"
      />
      <Select
        aria-label={t('datasets.type')}
        placeholder={t('datasets.type')}
        clearable
        flex="1 1 6.5rem"
        maw="9rem"
        data={datasetKinds.map((kind) => ({ value: kind, label: t(`datasets.kinds.${kind}`) }))}
        value={filter.kind}
        onChange={(kind) => set({ kind })}
      />
      <Select
        aria-label={t('datasets.driver')}
        placeholder={t('datasets.driver')}
        clearable
        flex="1 1 6.5rem"
        maw="13rem"
        data={datasetProviders.map((provider) => ({ value: provider, label: t(`datasets.providers.${provider}`) }))}
        value={filter.provider}
        onChange={(provider) => set({ provider })}
      />
      <Select
        aria-label={t('datasets.state')}
        placeholder={t('datasets.state')}
        clearable
        flex="1 1 6.5rem"
        maw="10rem"
        data={datasetStates.map((state) => ({ value: state, label: t(`datasets.states.${state}`) }))}
        value={filter.state}
        onChange={(state) => set({ state })}
      />
    </Group>
  )
}
