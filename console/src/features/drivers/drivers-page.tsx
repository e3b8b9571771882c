import { Alert, Button, Group, TextInput } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Driver } from '#contract/drivers.ts'
import { openConnect } from '../../app/connect.ts'
import { useIsDeveloper, useProjectRole } from '../../app/rights.ts'
import { api } from '../../app/session.ts'
import { Icon } from '../../ui/icon.tsx'
import { Page } from '../../ui/page.tsx'
import { Empty, Failed, Loading } from '../../ui/states.tsx'
import { DeleteDriver } from './delete-driver.tsx'
import { DriverDetails } from './driver-details.tsx'
import { bucketOf } from './driver-place.ts'
import { DriverTable } from './driver-table.tsx'

/** The storage drivers of a project. */
export function DriversPage() {
  const { t } = useTranslation()
  const { projectId } = useParams({ from: '/shell/projects/$projectId/drivers' })
  const role = useProjectRole(projectId)
  const isDeveloper = useIsDeveloper(projectId)
  if (role === undefined) return <Loading />
  if (!isDeveloper)
    return (
      <Page title={t('drivers.title')}>
        <Alert color="yellow" title={t('states.noPermission')}>
          {t('drivers.developersOnly')}
        </Alert>
      </Page>
    )
  return <Drivers projectId={projectId} />
}

function Drivers({ projectId }: { projectId: string }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const [search, setSearch] = useState('')
  const [looked, setLooked] = useState<string | null>(null)
  const [toDelete, setToDelete] = useState<Driver | null>(null)
  const drivers = useQuery({
    queryKey: ['drivers', projectId],
    queryFn: ({ signal }) => api.listDrivers({ query: { projectId }, signal }),
  })
  if (drivers.error) return <Failed error={drivers.error} retry={() => drivers.refetch()} />
  if (drivers.isPending) return <Loading />
  const all = drivers.data
  const wanted = search.toLowerCase()
  const shown = all.filter((each) => `${each.name}\n${bucketOf(each)}/${each.folder}`.toLowerCase().includes(wanted))
  const create = (
    <Button leftSection={<Icon name="plus" size={18} />} onClick={() => openConnect({ step: 'driver' })}>
      {t('drivers.create')}
    </Button>
  )
  return (
    <Page
      title={t('drivers.title')}
      figures={t('drivers.count', { count: all.length })}
      actions={
        <>
          <Button variant="default" onClick={() => void queries.invalidateQueries({ queryKey: ['drivers'] })}>
            {t('actions.refresh')}
          </Button>
          {create}
        </>
      }
    >
      {all.length === 0 ? (
        <Empty title={t('drivers.emptyTitle')} text={t('drivers.emptyText')} action={create} />
      ) : (
        <>
          <Group mb="sm">
            <TextInput
              aria-label={t('drivers.search')}
              placeholder={t('drivers.search')}
              leftSection={<Icon name="search" size={16} />}
              value={search}
              onChange={(event) => setSearch(event.currentTarget.value)}
              w="min(20rem, 100%)"
            />
          </Group>
          {shown.length === 0 ? (
            <Empty title={t('drivers.noMatch')} text={t('drivers.noMatchText')} />
          ) : (
            <DriverTable drivers={shown} look={setLooked} remove={setToDelete} />
          )}
        </>
      )}
      <DriverDetails driver={all.find(({ id }) => id === looked) ?? null} close={() => setLooked(null)} />
      {toDelete !== null && <DeleteDriver driver={toDelete} close={() => setToDelete(null)} />}
    </Page>
  )
}
