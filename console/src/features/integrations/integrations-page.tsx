import { Alert, Button, Group, Select, Tabs, TextInput } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Integration } from '#contract/integrations.ts'
import { openConnect } from '../../app/connect.ts'
import { useIntegrations, useKinds } from '../../app/integration-kinds.ts'
import { useIsOrgAdmin, useOrgRole } from '../../app/rights.ts'
import { api } from '../../app/session.ts'
import { Icon } from '../../ui/icon.tsx'
import { Page } from '../../ui/page.tsx'
import { Reasoned } from '../../ui/reasoned.tsx'
import { Empty, Failed, Loading } from '../../ui/states.tsx'
import { DeleteIntegration } from './delete-integration.tsx'
import { IntegrationTable } from './integration-table.tsx'

/** Named secrets stand in a list of their own; everything else opens some storage. */
const isSecret = ({ type }: Integration) => type === 'key_value'

/** The integrations and secrets of an organization. */
export function IntegrationsPage() {
  const { t } = useTranslation()
  const { orgId } = useParams({ from: '/shell/orgs/$orgId/integrations' })
  const role = useOrgRole(orgId)
  if (role === 'worker')
    return (
      <Page title={t('integrations.title')}>
        <Alert color="yellow" title={t('states.noPermission')}>
          {t('integrations.workers')}
        </Alert>
      </Page>
    )
  return <Integrations orgId={orgId} />
}

function Integrations({ orgId }: { orgId: string }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const isAdmin = useIsOrgAdmin(orgId)
  const [tab, setTab] = useState('storage')
  const [toDelete, setToDelete] = useState<Integration | null>(null)
  const integrations = useIntegrations(orgId)
  const alerts = useQuery({
    queryKey: ['integrations', orgId, 'alerts'],
    queryFn: ({ signal }) => api.listIntegrationAlerts({ params: { orgId }, signal }),
    enabled: isAdmin,
  })
  if (integrations.error) return <Failed error={integrations.error} retry={() => integrations.refetch()} />
  if (integrations.isPending) return <Loading />
  const secrets = integrations.data.filter(isSecret)
  const storage = integrations.data.filter((each) => !isSecret(each))
  const figures = [
    t('integrations.count', { count: storage.length }),
    t('integrations.secrets', { count: secrets.length }),
    ...(alerts.data === undefined ? [] : [t('integrations.alerts', { count: alerts.data.count })]),
  ]
  const reason = isAdmin ? null : t('integrations.adminsOnly')
  const create = (
    <Reasoned reason={reason}>
      <Button
        leftSection={<Icon name="plus" size={18} />}
        onClick={() => openConnect({ step: 'integration' })}
        disabled={!isAdmin}
      >
        {t('integrations.create')}
      </Button>
    </Reasoned>
  )
  return (
    <Page
      title={t('integrations.title')}
      figures={figures.join(' · ')}
      actions={
        <>
          <Button variant="default" onClick={() => void queries.invalidateQueries({ queryKey: ['integrations'] })}>
            {t('actions.refresh')}
          </Button>
          {create}
        </>
      }
    >
      <Tabs value={tab} onChange={(chosen) => setTab(chosen ?? 'storage')} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="storage">{t('integrations.storage')}</Tabs.Tab>
          <Tabs.Tab value="secrets">{t('integrations.secretsTab')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="storage">
          {storage.length === 0 ? (
            <Empty title={t('integrations.emptyTitle')} text={t('integrations.emptyText')} action={create} />
          ) : (
            <Found all={storage} orgId={orgId} remove={setToDelete} />
          )}
        </Tabs.Panel>
        <Tabs.Panel value="secrets">
          {secrets.length === 0 ? (
            <Empty title={t('integrations.emptySecrets')} text={t('integrations.emptySecretsText')} action={create} />
          ) : (
            <Found all={secrets} orgId={orgId} remove={setToDelete} />
          )}
        </Tabs.Panel>
      </Tabs>
      {toDelete !== null && <DeleteIntegration integration={toDelete} close={() => setToDelete(null)} />}
    </Page>
  )
}

interface FoundProps {
  all: readonly Integration[]
  orgId: string
  remove: (integration: Integration) => void
}

/** Those of a list that a search and a provider leave. */
function Found({ all, orgId, remove }: FoundProps) {
  const { t } = useTranslation()
  const [search, setSearch] = useState('')
  const [provider, setProvider] = useState<string | null>(null)
  const kinds = useKinds(orgId)
  const providers = [...new Set(all.map((each) => each.provider))]
  const shown = all.filter(
    (each) =>
      each.name.toLowerCase().includes(search.toLowerCase()) && (provider === null || each.provider === provider),
  )
  return (
    <>
      <Group mb="sm">
        <TextInput
          aria-label={t('integrations.search')}
          placeholder={t('integrations.search')}
          leftSection={<Icon name="search" size={16} />}
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
          w="min(20rem, 100%)"
        />
        {providers.length > 1 && (
          <Select
            aria-label={t('integrations.provider')}
            placeholder={t('integrations.allProviders')}
            data={providers.map((each) => ({ value: each, label: t(`providers.${each}` as 'providers.aws', each) }))}
            value={provider}
            onChange={setProvider}
            clearable
            w="14rem"
          />
        )}
      </Group>
      {shown.length === 0 ? (
        <Empty title={t('integrations.noMatch')} text={t('integrations.noMatchText')} />
      ) : (
        <IntegrationTable integrations={shown} kinds={kinds.data ?? []} orgId={orgId} remove={remove} />
      )}
    </>
  )
}
