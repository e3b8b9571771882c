import { Button, Divider, Group, Stack, Text, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Integration } from '#contract/integrations.ts'
import { type Kind, useKinds } from '../../app/integration-kinds.ts'
import { api } from '../../app/session.ts'
import { trustOf } from '../../app/trust.ts'
import { FormProblem } from '../../ui/form-problem.tsx'
import { formatTime } from '../../ui/format.ts'
import { Failed, Loading } from '../../ui/states.tsx'
import { toast } from '../../ui/toasts.tsx'
import { isFilled, OptionFields, type OptionValues, optionsOf } from './option-fields.tsx'
import { TrustPanel } from './trust-panel.tsx'

/** Changes an integration: its name, its credentials, or how far its trust is. Credentials that are there are never shown. */
export function EditIntegration(props: { orgId: string; integrationId: string; close: () => void }) {
  const { orgId, integrationId, close } = props
  const queries = useQueryClient()
  const key = ['integrations', orgId, integrationId]
  const integration = useQuery({
    queryKey: key,
    queryFn: ({ signal }) => api.getIntegration({ params: { orgId, integrationId }, signal }),
  })
  const kinds = useKinds(orgId)
  const error = integration.error ?? kinds.error
  if (error) return <Failed error={error} retry={() => void Promise.all([integration.refetch(), kinds.refetch()])} />
  if (integration.data === undefined || kinds.data === undefined) return <Loading />
  const kind = kinds.data.find(({ type }) => type === integration.data.type)
  const trust = trustOf(integration.data)
  return (
    <Stack>
      <Rename integration={integration.data} />
      {kind !== undefined && (
        <>
          <Divider />
          {trust !== null ? (
            <TrustPanel
              integration={integration.data}
              trust={trust}
              kind={kind}
              changed={(now) => queries.setQueryData(key, now)}
            />
          ) : (
            <Replace integration={integration.data} kind={kind} close={close} />
          )}
        </>
      )}
    </Stack>
  )
}

function Rename({ integration }: { integration: Integration }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const [name, setName] = useState(integration.name)
  const rename = useMutation({
    mutationFn: () =>
      api.updateIntegration({ params: { orgId: integration.org }, body: { integrationId: integration.id, name } }),
    onSuccess: async () => {
      toast(t('wizard.renamed', { name }))
      await queries.invalidateQueries({ queryKey: ['integrations'] })
    },
  })
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        rename.mutate()
      }}
    >
      <Group align="flex-end" wrap="nowrap">
        <TextInput
          flex={1}
          label={t('wizard.name')}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          maxLength={255}
        />
        <Button
          type="submit"
          variant="default"
          disabled={name === '' || name === integration.name}
          loading={rename.isPending}
        >
          {t('actions.rename')}
        </Button>
      </Group>
      <FormProblem error={rename.error} />
    </form>
  )
}

function Replace({ integration, kind, close }: { integration: Integration; kind: Kind; close: () => void }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const [values, setValues] = useState<OptionValues>({})
  const replace = useMutation({
    mutationFn: () =>
      api.updateIntegration({
        params: { orgId: integration.org },
        body: { integrationId: integration.id, credentials: { options: optionsOf(kind, values) } },
      }),
    onSuccess: async () => {
      setValues({})
      toast(t('wizard.replaced', { name: integration.name }))
      await queries.invalidateQueries({ queryKey: ['integrations'] })
      close()
    },
  })
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        replace.mutate()
      }}
    >
      <Stack gap="sm">
        <div>
          <Text fw={600}>{t('wizard.replaceTitle')}</Text>
          <Text size="sm" c="dimmed">
            {t('wizard.replaceText', {
              version: integration.version,
              time: formatTime(integration.credentialsUpdatedAt),
            })}
          </Text>
        </div>
        <OptionFields kind={kind} values={values} change={setValues} error={replace.error} />
        <FormProblem error={replace.error} />
        <Group justify="flex-end">
          <Button
            type="submit"
            disabled={Object.keys(values).length === 0 || !isFilled(kind, values)}
            loading={replace.isPending}
          >
            {t('wizard.replace')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
