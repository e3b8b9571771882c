import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Integration } from '#contract/integrations.ts'
import type { Kind } from '../../app/integration-kinds.ts'
import { api } from '../../app/session.ts'
import { awsTrustPolicy, type TrustState } from '../../app/trust.ts'
import { CopyText } from '../../ui/copy-text.tsx'
import { FormProblem } from '../../ui/form-problem.tsx'
import { Icon } from '../../ui/icon.tsx'
import { isFilled, OptionFields, type OptionValues, optionsOf } from './option-fields.tsx'

interface Props {
  integration: Integration
  trust: TrustState
  kind: Kind
  /** Told the integration as it is after something was tried. */
  changed: (integration: Integration) => void
}

/** A cross-account integration on its way to being trusted: whom to trust, what to enter then, and whether it worked (IN-14). */
export function TrustPanel({ integration, trust, kind, changed }: Props) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const [values, setValues] = useState<OptionValues>({})
  const params = { orgId: integration.org }
  const finish = async () => {
    const now = await api.getIntegration({ params: { ...params, integrationId: integration.id } })
    await queries.invalidateQueries({ queryKey: ['integrations'] })
    changed(now)
  }
  const verify = useMutation({
    mutationFn: () =>
      api.updateIntegration({
        params,
        body: { integrationId: integration.id, credentials: { options: optionsOf(kind, values) } },
      }),
    onSuccess: finish,
  })
  const recheck = useMutation({
    mutationFn: () => api.testIntegration({ params: { ...params, integrationId: integration.id } }),
    // A refusal changes the state too: a trust that was taken back makes it wait again.
    onSettled: finish,
  })
  const required = { ...kind, options: kind.options.map((option) => ({ ...option, required: true })) }
  return (
    <Stack>
      <Alert
        color={trust.isTrusted ? 'teal' : 'yellow'}
        icon={<Icon name={trust.isTrusted ? 'check' : 'warning'} />}
        title={t(trust.isTrusted ? 'wizard.trusted' : 'wizard.waiting')}
        role="status"
      >
        <Text size="sm" className="name">
          {trust.isTrusted ? t('wizard.trustedText') : trust.reason}
        </Text>
      </Alert>
      <CopyText label={t('wizard.principal')} text={trust.principal} />
      {trust.externalId !== undefined && (
        <>
          <CopyText label={t('wizard.externalId')} text={trust.externalId} />
          <CopyText label={t('wizard.trustPolicy')} text={awsTrustPolicy(trust)} block />
        </>
      )}
      <form
        onSubmit={(event) => {
          event.preventDefault()
          verify.mutate()
        }}
      >
        <Stack gap="sm">
          <OptionFields kind={required} values={values} change={setValues} error={verify.error} />
          <FormProblem error={verify.error ?? recheck.error} />
          <Group justify="flex-end">
            <Button variant="default" onClick={() => recheck.mutate()} loading={recheck.isPending}>
              {t('wizard.recheck')}
            </Button>
            <Button type="submit" disabled={!isFilled(required, values)} loading={verify.isPending}>
              {t('wizard.verify')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Stack>
  )
}
