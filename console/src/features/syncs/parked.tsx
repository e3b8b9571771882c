import { Alert, Button, Code, Group, List, Stack, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Dataset } from '#contract/datasets.ts'
import type { SyncRun } from '#contract/syncs.ts'
import { api } from '../../app/session.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { formatCount } from '../../ui/format.ts'
import { PageLink } from '../../ui/link.tsx'
import { Reasoned } from '../../ui/reasoned.tsx'
import { toast } from '../../ui/toasts.tsx'
import type { Rights } from './open-run.tsx'
import { waitingFor } from './run-facts.ts'

/** What a parked run waits for, and what to do about it. */
export function Parked({ run, dataset, rights }: { run: SyncRun; dataset: Dataset; rights: Rights }) {
  const { t } = useTranslation()
  if (waitingFor(run) === 'approval' && run.report.absent != null)
    return <Approval run={run} absent={run.report.absent} dataset={dataset} rights={rights} />
  return (
    <Alert color="orange" mt="sm" title={t('syncs.parked.storage')}>
      <Stack gap="xs" align="flex-start">
        <Text size="sm" className="name">
          {run.error}
        </Text>
        {run.errorCode !== null && <Code>{run.errorCode}</Code>}
        <Text size="sm">{t('syncs.parked.storageText')}</Text>
        {dataset.projects[0] !== undefined && (
          <PageLink
            to="/projects/$projectId/drivers"
            params={{ projectId: dataset.projects[0] }}
            size="sm"
            c="inherit"
            underline="always"
          >
            {t('syncs.parked.drivers')}
          </PageLink>
        )}
      </Stack>
    </Alert>
  )
}

type Absent = NonNullable<SyncRun['report']['absent']>

function Approval(props: { run: SyncRun; absent: Absent; dataset: Dataset; rights: Rights }) {
  const { run, absent, dataset, rights } = props
  const { t } = useTranslation()
  const queries = useQueryClient()
  const [isAsking, setAsking] = useState(false)
  const approve = useMutation({
    mutationFn: () =>
      api.approveSync({
        params: { datasetId: dataset.id, commandId: run.commandId },
        body: { set: absent.set },
      }),
    onSuccess: () => {
      setAsking(false)
      toast(t('syncs.parked.approved'), 'done', `sync:${dataset.id}`)
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ['syncs', dataset.id] }),
  })
  const removes = run.options.reconcile === true
  const reason = rights.isOwner ? null : t('syncs.needsOwner')
  return (
    <>
      <Alert
        color="orange"
        mt="sm"
        title={absent.brake === null ? t('syncs.parked.other') : t(`syncs.parked.${absent.brake}`)}
      >
        <Stack gap="sm" align="flex-start">
          <AbsentText absent={absent} />
          <Text size="sm">{t('syncs.parked.soFar')}</Text>
          <Text size="sm">{t('syncs.parked.whatToDo')}</Text>
          <AbsentFiles absent={absent} />
          <Reasoned reason={reason}>
            <Button color="red" disabled={reason !== null} onClick={() => setAsking(true)}>
              {t('syncs.parked.approve')}
            </Button>
          </Reasoned>
        </Stack>
      </Alert>
      {isAsking && (
        <Confirm
          title={t(removes ? 'syncs.parked.approveRemoveTitle' : 'syncs.parked.approveTitle', { count: absent.count })}
          deed={t('syncs.parked.approveDeed')}
          typed={dataset.name}
          isBusy={approve.isPending}
          error={approve.error}
          confirm={() => approve.mutate()}
          close={() => setAsking(false)}
        >
          <Text size="sm">{t(removes ? 'syncs.parked.approveRemoveText' : 'syncs.parked.approveText')}</Text>
        </Confirm>
      )}
    </>
  )
}

/** Why a listing is not believed without asking, in a sentence. */
export function AbsentText({ absent }: { absent: Absent }) {
  const { t } = useTranslation()
  if (absent.brake === null) return null
  const figures = { count: absent.count, allowed: formatCount(absent.allowed) }
  return (
    <Text size="sm">
      {t(`syncs.parked.${absent.brake}Text`, { ...figures, count: formatCount(absent.count) as unknown as number })}
    </Text>
  )
}

/** Some of the files that were not listed, and which of them have probably moved. */
export function AbsentFiles({ absent, title }: { absent: Absent; title?: string }) {
  const { t } = useTranslation()
  const { sample, moves = 0, uncertainMoves = [] } = absent
  return (
    <>
      {sample.length > 0 && (
        <div>
          <Text size="sm" fw={600}>
            {title ?? t('syncs.parked.sample')}
          </Text>
          <Files names={sample} />
        </div>
      )}
      {moves > 0 && <Text size="sm">{t('syncs.parked.moves', { count: moves })}</Text>}
      {uncertainMoves.length > 0 && (
        <div>
          <Text size="sm">{t('syncs.parked.uncertain')}</Text>
          <Files
            names={uncertainMoves.map(({ from, to }) =>
              t('syncs.parked.uncertainRow', { from: from.join(', '), to: to.join(', ') }),
            )}
          />
        </div>
      )}
    </>
  )
}

/** Names of files, each on a line of its own. */
export function Files({ names }: { names: readonly string[] }) {
  return (
    <List size="sm" listStyleType="none" spacing={2} mah="16rem" style={{ overflow: 'auto' }} tabIndex={0}>
      {names.map((name, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a sample does not change, and a name may stand in it twice.
        <List.Item key={index}>
          <Group wrap="nowrap" gap={4}>
            <Code className="name">{name}</Code>
          </Group>
        </List.Item>
      ))}
    </List>
  )
}
