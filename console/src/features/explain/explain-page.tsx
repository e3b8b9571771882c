import { Alert, Badge, Button, Card, Code, Group, List, Stack, Text, TextInput, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Explanation } from '#contract/explain.ts'
import { useDataset } from '../../app/dataset.ts'
import { DatasetFrame } from '../../app/dataset-frame.tsx'
import { api } from '../../app/session.ts'
import { formatBytes, formatTime } from '../../ui/format.ts'
import { Icon } from '../../ui/icon.tsx'
import { PageLink } from '../../ui/link.tsx'
import { Empty, Failed, Loading } from '../../ui/states.tsx'
import { chainOf, type StepState, type Verdict, verdictOf } from './chain.ts'

/** Why is my file not here? The key stands in the address, so that the answer can be sent to somebody. */
export function ExplainPage() {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const { datasetId } = useParams({ from: '/shell/datasets/$datasetId/explain' })
  const { key } = useSearch({ from: '/shell/datasets/$datasetId/explain' })
  const dataset = useDataset(datasetId)
  const explanation = useQuery({
    queryKey: ['explanations', datasetId, key],
    queryFn: ({ signal }) => api.explainKey({ params: { datasetId }, query: { key: key! }, signal }),
    enabled: key !== undefined,
    // It is about this moment.
    staleTime: 0,
    refetchOnWindowFocus: false,
  })
  if (dataset.error) return <Failed error={dataset.error} retry={() => dataset.refetch()} />
  const look = (typed: string) => {
    if (typed === key) void explanation.refetch()
    else void navigate({ to: '/datasets/$datasetId/explain', params: { datasetId }, search: { key: typed } })
  }
  return (
    <DatasetFrame datasetId={datasetId} title={t('explain.title')} figures={t('explain.text')}>
      <KeyForm key={key} typed={key ?? ''} isBusy={explanation.isFetching} look={look} />
      {key === undefined ? (
        <Empty title={t('explain.emptyTitle')} text={t('explain.emptyText')} />
      ) : explanation.error ? (
        <Failed error={explanation.error} retry={() => explanation.refetch()} />
      ) : explanation.isPending ? (
        <Loading />
      ) : (
        <Answer datasetId={datasetId} projectId={dataset.data?.projects[0]} explanation={explanation.data} />
      )}
    </DatasetFrame>
  )
}

function KeyForm({ typed, isBusy, look }: { typed: string; isBusy: boolean; look: (key: string) => void }) {
  const { t } = useTranslation()
  const [key, setKey] = useState(typed)
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (key !== '') look(key)
      }}
    >
      <Group align="flex-end" gap="xs" mb="md" maw="52rem">
        <TextInput
          label={t('explain.key')}
          description={t('explain.keyHint')}
          value={key}
          onChange={(event) => setKey(event.currentTarget.value)}
          flex="1 1 16rem"
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
        />
        <Button type="submit" disabled={key === ''} loading={isBusy}>
          {key === typed && key !== '' ? t('explain.again') : t('explain.look')}
        </Button>
      </Group>
    </form>
  )
}

const colors: Record<Verdict, string> = { good: 'teal', mind: 'yellow', wait: 'blue', bad: 'red' }

function Answer(props: { datasetId: string; projectId: string | undefined; explanation: Explanation }) {
  const { datasetId, projectId, explanation } = props
  const { t } = useTranslation()
  const verdict = verdictOf(explanation)
  const { code, message, remarks } = explanation
  return (
    <Stack maw="52rem" aria-live="polite">
      <Alert color={colors[verdict]} title={t(`explain.titles.${verdict}`)}>
        <Stack gap="xs" align="flex-start">
          <Text size="sm">{message}</Text>
          {remarks.map((remark) => (
            <Text key={remark.code} size="sm" fw={600}>
              {remark.message}
            </Text>
          ))}
          <Text size="sm">{t(`explain.next.${code}`)}</Text>
          <Ways datasetId={datasetId} projectId={projectId} explanation={explanation} />
        </Stack>
      </Alert>
      <Facts datasetId={datasetId} explanation={explanation} />
      <Chain explanation={explanation} />
    </Stack>
  )
}

/** Where the next step is done. */
function Ways(props: { datasetId: string; projectId: string | undefined; explanation: Explanation }) {
  const { datasetId, projectId, explanation } = props
  const { t } = useTranslation()
  const { code, itemId } = explanation
  const isItem = code === 'indexed' || code === 'missing' || code === 'unaddressable' || code === 'excluded'
  return (
    <Group gap="md">
      {isItem && itemId !== null && (
        <PageLink to="/items/$itemId" params={{ itemId }} size="sm" c="inherit" underline="always">
          {t('explain.open')}
        </PageLink>
      )}
      {code === 'excluded' && (
        <PageLink
          to="/datasets/$datasetId/sync-settings"
          params={{ datasetId }}
          size="sm"
          c="inherit"
          underline="always"
        >
          {t('explain.toSettings')}
        </PageLink>
      )}
      {code === 'removed' && (
        <PageLink to="/datasets/$datasetId/removed" params={{ datasetId }} size="sm" c="inherit" underline="always">
          {t('explain.toRemoved')}
        </PageLink>
      )}
      {['not-synced', 'not-reached', 'over-quota', 'missing', 'forbidden', 'skipped'].includes(code) && (
        <PageLink to="/datasets/$datasetId/syncs" params={{ datasetId }} size="sm" c="inherit" underline="always">
          {t('explain.toSyncs')}
        </PageLink>
      )}
      {projectId !== undefined &&
        ['forbidden', 'storage-silent', 'outside-folder', 'not-in-storage'].includes(code) && (
          <PageLink to="/projects/$projectId/drivers" params={{ projectId }} size="sm" c="inherit" underline="always">
            {t('explain.toDrivers')}
          </PageLink>
        )}
    </Group>
  )
}

function Facts({ datasetId, explanation }: { datasetId: string; explanation: Explanation }) {
  const { t } = useTranslation()
  const { code, key, reading, since, reason, rule, sync, storage } = explanation
  const reasons: Readonly<Record<string, string>> = t('explain.skipReasons', { returnObjects: true })
  const facts: [label: string, value: ReactNode][] = [
    [t('explain.fullKey'), <Code key="key">{key}</Code>],
    [t('explain.readAs'), t(`explain.readings.${reading}`)],
  ]
  if (since !== null) facts.push([t('explain.since'), formatTime(since)])
  if (reason !== null) facts.push([t('explain.reason'), reasons[reason] ?? reason])
  if (code === 'excluded')
    facts.push([t('explain.rule'), rule === null ? t('explain.noRule') : <Code key="rule">{rule.pattern}</Code>])
  if (storage.sizeBytes !== null) facts.push([t('explain.size'), formatBytes(storage.sizeBytes)])
  if (storage.modifiedAt !== null) facts.push([t('explain.modified'), formatTime(storage.modifiedAt)])
  if (storage.error !== null) facts.push([t('explain.storageError'), <Code key="error">{storage.error}</Code>])
  if (sync !== null)
    facts.push([
      t('explain.sync'),
      <PageLink
        key="sync"
        to="/datasets/$datasetId/syncs/$commandId"
        params={{ datasetId, commandId: sync.commandId }}
        size="sm"
      >
        {t('explain.syncAt', { when: formatTime(sync.at) })}
      </PageLink>,
    ])
  return (
    <Card withBorder padding="sm">
      <Stack gap={6} component="dl" m={0}>
        {facts.map(([label, value]) => (
          <Group key={label} gap="xs" align="baseline" wrap="nowrap">
            <Text size="sm" c="dimmed" component="dt" w="11rem" style={{ flexShrink: 0 }}>
              {label}
            </Text>
            <Text size="sm" component="dd" m={0} className="name">
              {value}
            </Text>
          </Group>
        ))}
      </Stack>
    </Card>
  )
}

const marks: Record<StepState, { icon: 'check' | 'cross' | 'info' | 'warning'; color: string }> = {
  passed: { icon: 'check', color: 'teal' },
  stopped: { icon: 'cross', color: 'red' },
  unknown: { icon: 'info', color: 'gray' },
  unasked: { icon: 'info', color: 'gray' },
  remark: { icon: 'warning', color: 'yellow' },
}

function Chain({ explanation }: { explanation: Explanation }) {
  const { t } = useTranslation()
  return (
    <div>
      <Title order={3} size="h5" mb="xs">
        {t('explain.checks')}
      </Title>
      <List listStyleType="none" spacing={6} size="sm">
        {chainOf(explanation).map(({ step, state }) => (
          <List.Item key={step}>
            <Group gap="xs" wrap="nowrap">
              <Badge
                variant="light"
                color={marks[state].color}
                leftSection={<Icon name={marks[state].icon} size={12} />}
                miw="9rem"
                style={{ flexShrink: 0 }}
              >
                {t(`explain.states.${state}`)}
              </Badge>
              <Text size="sm" {...(state === 'unasked' && { c: 'dimmed' })} fw={state === 'stopped' ? 600 : 400}>
                {t(`explain.steps.${step}`)}
              </Text>
            </Group>
          </List.Item>
        ))}
      </List>
    </div>
  )
}
