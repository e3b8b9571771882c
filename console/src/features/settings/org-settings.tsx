import { Button, Group, NumberInput, Progress, Stack, Text } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Org } from '#contract/orgs.ts'
import type { DataPoints } from '#contract/quota.ts'
import { useOrgRole } from '../../app/rights.ts'
import { api } from '../../app/session.ts'
import { CopyText } from '../../ui/copy-text.tsx'
import { FormProblem } from '../../ui/form-problem.tsx'
import { formatCount } from '../../ui/format.ts'
import { Reasoned } from '../../ui/reasoned.tsx'
import { Failed, Loading } from '../../ui/states.tsx'
import { toast } from '../../ui/toasts.tsx'

/** How many data points an organization uses and may use. */
export function OrgSettings({ org }: { org: Org }) {
  const { t } = useTranslation()
  const role = useOrgRole(org.id)
  const points = useQuery({
    queryKey: ['dataPoints', org.id],
    queryFn: ({ signal }) => api.getDataPoints({ params: { orgId: org.id }, signal }),
    enabled: role !== undefined && role !== 'worker',
  })
  return (
    <Stack>
      {points.error !== null && <Failed error={points.error} retry={() => points.refetch()} />}
      {points.isLoading && <Loading rows={3} />}
      {points.data !== undefined && (
        <Points key={points.data.max ?? -1} orgId={org.id} points={points.data} isOwner={role === 'owner'} />
      )}
      <CopyText label={t('settings.orgId')} text={org.id} />
    </Stack>
  )
}

function Points({ orgId, points, isOwner }: { orgId: string; points: DataPoints; isOwner: boolean }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const { used, max } = points
  const [limit, setLimit] = useState<string | number>(max ?? '')
  const wanted = limit === '' ? null : Number(limit)
  const reason = isOwner ? null : t('settings.ownersOnly')
  const save = useMutation({
    mutationFn: () => api.setDataPoints({ params: { orgId }, body: { max: wanted } }),
    onSuccess: async () => {
      toast(t('settings.saved'))
      await queries.invalidateQueries({ queryKey: ['dataPoints'] })
    },
  })
  const share = max === null ? 0 : max === 0 ? 100 : Math.min(100, (used / max) * 100)
  return (
    <Stack gap="xs">
      <Text fw={600}>{t('settings.points')}</Text>
      <Text size="sm" c="dimmed">
        {t('settings.pointsText')}{' '}
        {max === null
          ? `${t('settings.used', { used: formatCount(used) })}, ${t('settings.unlimited')}.`
          : `${t('settings.usedOf', { used: formatCount(used), max: formatCount(max) })}.`}
      </Text>
      {max !== null && (
        <Progress value={share} color={share >= 95 ? 'red' : 'indigo'} aria-label={t('settings.points')} />
      )}
      <form
        onSubmit={(event) => {
          event.preventDefault()
          save.mutate()
        }}
      >
        <Group align="flex-end">
          <NumberInput
            flex={1}
            label={t('settings.limit')}
            description={t('settings.limitHint')}
            value={limit}
            onChange={setLimit}
            min={0}
            max={Number.MAX_SAFE_INTEGER}
            allowDecimal={false}
            thousandSeparator=","
            disabled={!isOwner}
          />
          <Reasoned reason={reason}>
            <Button type="submit" disabled={!isOwner || wanted === max} loading={save.isPending}>
              {t('actions.save')}
            </Button>
          </Reasoned>
        </Group>
      </form>
      <FormProblem error={save.error} />
    </Stack>
  )
}
