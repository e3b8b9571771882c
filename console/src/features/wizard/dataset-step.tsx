import { Alert, Button, Checkbox, Group, Radio, Select, Stack, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Dataset } from '#contract/datasets.ts'
import type { Driver } from '#contract/drivers.ts'
import { useIsDeveloper, useOrgId, useProjectOfOrg, useProjectRole } from '../../app/rights.ts'
import { api } from '../../app/session.ts'
import { useFirstField } from '../../ui/first-field.ts'
import { FormProblem, fieldProblems } from '../../ui/form-problem.tsx'
import { Failed, Loading } from '../../ui/states.tsx'
import { toast } from '../../ui/toasts.tsx'
import { FirstSync } from './first-sync.tsx'

const ADD = 'add'

interface Props {
  driverId: string | undefined
  addDriver: () => void
  close: () => void
}

/** The step that makes a dataset: on a storage driver, or on the platform's own storage. */
export function DatasetStep(props: Props) {
  const { t } = useTranslation()
  const projectId = useProjectOfOrg()
  const role = useProjectRole(projectId)
  const isDeveloper = useIsDeveloper(projectId)
  const drivers = useQuery({
    queryKey: ['drivers', projectId],
    queryFn: ({ signal }) => api.listDrivers({ query: { projectId: projectId! }, signal }),
    enabled: projectId !== undefined && isDeveloper,
  })
  if (projectId === undefined) return <Alert color="yellow">{t('wizard.noProject')}</Alert>
  if (role !== undefined && !isDeveloper)
    return (
      <Alert color="yellow" title={t('states.noPermission')}>
        {t('wizard.developersOnly')}
      </Alert>
    )
  if (drivers.error) return <Failed error={drivers.error} retry={() => drivers.refetch()} />
  if (drivers.isPending) return <Loading />
  return <NewDataset {...props} projectId={projectId} drivers={drivers.data} />
}

function useMade(close: () => void) {
  const queries = useQueryClient()
  const navigate = useNavigate()
  return async (dataset: Dataset) => {
    await queries.invalidateQueries({ queryKey: ['datasets'] })
    close()
    await navigate({ to: '/datasets/$datasetId', params: { datasetId: dataset.id } })
  }
}

type FormProps = Props & { projectId: string; drivers: readonly Driver[] }

function NewDataset({ driverId, addDriver, close, projectId, drivers }: FormProps) {
  const { t } = useTranslation()
  const orgId = useOrgId()
  const first = useFirstField()
  const [name, setName] = useState('')
  const [isExternal, setExternal] = useState(drivers.length > 0)
  const [chosen, setChosen] = useState<string | null>(driverId ?? onlyReady(drivers))
  const [isSynced, setSynced] = useState(true)
  const [isCounted, setCounted] = useState<boolean | null>(null)
  const points = useQuery({
    queryKey: ['dataPoints', orgId],
    queryFn: ({ signal }) => api.getDataPoints({ params: { orgId: orgId! }, signal }),
    enabled: orgId !== undefined,
  })
  // Without a limit the numbers can never fall short, and the bucket would be listed twice for nothing.
  const isCountedFirst = isCounted ?? (points.data !== undefined && points.data.max !== null)
  const countHint = useCountHint(points.data)
  const leave = useMade(close)
  const isToSync = isExternal && isSynced
  const create = useMutation({
    mutationFn: () =>
      api.createDataset({
        body: {
          name,
          projects: [projectId],
          ...(isExternal && { driver: chosen }),
          sync: isToSync && !isCountedFirst,
          createDefaultRecipe: true,
        },
      }),
    onSuccess: async (dataset) => {
      toast(t('wizard.datasetMade', { name: dataset.name }))
      if (!(isToSync && isCountedFirst)) await leave(dataset)
    },
  })
  const driver = drivers.find(({ id }) => id === chosen)
  if (create.data !== undefined && isToSync && isCountedFirst)
    return <FirstSync dataset={create.data} leave={() => leave(create.data)} />
  const isReady = name !== '' && (!isExternal || driver?.state === 'ready')
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (isReady) create.mutate()
      }}
    >
      <Stack>
        <TextInput
          label={t('wizard.name')}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={fieldProblems(create.error).get('name')}
          maxLength={255}
          autoComplete="off"
          withAsterisk
          data-autofocus
          ref={first}
        />
        <Radio.Group
          label={t('wizard.storageType')}
          value={isExternal ? 'external' : 'platform'}
          onChange={(value) => setExternal(value === 'external')}
        >
          <Stack gap="xs" mt={4}>
            <Radio value="external" label={t('wizard.external')} description={t('wizard.externalHint')} />
            <Radio value="platform" label={t('wizard.platform')} description={t('wizard.platformHint')} />
          </Stack>
        </Radio.Group>
        {isExternal && (
          <>
            <DriverChoice drivers={drivers} value={chosen} choose={setChosen} add={addDriver} />
            {driver !== undefined && driver.state !== 'ready' && (
              <Alert color="yellow">{driver.stateReason ?? t('wizard.driverNotReady')}</Alert>
            )}
            {driver !== undefined && driver.warnings.length > 0 && (
              <Alert color="yellow" className="name">
                {driver.warnings.join(' ')}
              </Alert>
            )}
            <Checkbox
              label={t('wizard.sync')}
              description={t('wizard.syncHint')}
              checked={isSynced}
              onChange={(event) => setSynced(event.currentTarget.checked)}
            />
            <Checkbox
              label={t('wizard.countFirst')}
              description={countHint}
              checked={isSynced && isCountedFirst}
              disabled={!isSynced}
              onChange={(event) => setCounted(event.currentTarget.checked)}
            />
          </>
        )}
        <FormProblem error={create.error} shown={['name']} />
        <Group justify="flex-end">
          <Button type="submit" disabled={!isReady} loading={create.isPending}>
            {t('wizard.createDataset')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

type Points = Awaited<ReturnType<typeof api.getDataPoints>>

/** What counting first is good for, with the numbers as they stand. */
function useCountHint(points: Points | undefined): string {
  const { t } = useTranslation()
  const hint = t('wizard.countFirstHint')
  if (points === undefined) return hint
  return `${hint} ${points.free === null ? t('wizard.noLimit') : t('wizard.freePoints', { count: points.free })}`
}

/** A driver that needs no choosing. */
function onlyReady(drivers: readonly Driver[]): string | null {
  const ready = drivers.filter(({ state }) => state === 'ready')
  return ready.length === 1 ? ready[0]!.id : null
}

function DriverChoice(props: {
  drivers: readonly Driver[]
  value: string | null
  choose: (driverId: string) => void
  add: () => void
}) {
  const { t } = useTranslation()
  const { drivers, value, choose, add } = props
  const place = (driver: Driver) =>
    [driver.bucketName ?? driver.bucket ?? driver.containerName ?? driver.rootPath ?? driver.server, driver.folder]
      .filter((part) => part !== undefined && part !== '')
      .join(' / ')
  return (
    <Select
      label={t('wizard.driver')}
      placeholder={t('wizard.choose')}
      data={[
        ...drivers.map((driver) => ({
          value: driver.id,
          label: `${driver.name} – ${driver.state === 'ready' ? place(driver) : t(`driverStates.${driver.state}`)}`,
          disabled: driver.state !== 'ready',
        })),
        { value: ADD, label: t('wizard.addDriver') },
      ]}
      value={value}
      onChange={(chosen) => {
        if (chosen === ADD) add()
        else if (chosen !== null) choose(chosen)
      }}
      allowDeselect={false}
      withAsterisk
    />
  )
}
