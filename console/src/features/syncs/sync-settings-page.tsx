import { Alert, Button, Fieldset, Group, NumberInput, Radio, Select, Stack, Switch, Text } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { SyncSettings } from '#contract/sync-settings.ts'
import { useDataset } from '../../app/dataset.ts'
import { DatasetFrame, useDatasetRights } from '../../app/dataset-frame.tsx'
import { api } from '../../app/session.ts'
import { FormProblem, fieldProblems } from '../../ui/form-problem.tsx'
import { Reasoned } from '../../ui/reasoned.tsx'
import { Failed, Loading } from '../../ui/states.tsx'
import { toast } from '../../ui/toasts.tsx'
import { PatternPreview } from './pattern-preview.tsx'
import { RuleList } from './rule-list.tsx'
import { isInterval, type UnitMinutes, unitMinutes, unitOf } from './schedule.ts'

/** Which files of the bucket a dataset takes, and when it is synced by itself. */
export function SyncSettingsPage() {
  const { t } = useTranslation()
  const { datasetId } = useParams({ from: '/shell/datasets/$datasetId/sync-settings' })
  const dataset = useDataset(datasetId)
  const rights = useDatasetRights(datasetId)
  const settings = useQuery({
    queryKey: ['syncSettings', datasetId],
    queryFn: ({ signal }) => api.getSyncSettings({ params: { datasetId }, signal }),
    // What somebody is changing is not replaced under their hands.
    refetchOnWindowFocus: false,
  })
  if (dataset.error) return <Failed error={dataset.error} retry={() => dataset.refetch()} />
  if (settings.error) return <Failed error={settings.error} retry={() => settings.refetch()} />
  if (dataset.isPending || settings.isPending || !rights.isKnown) return <Loading />
  const refusal = !rights.isDeveloper
    ? t('syncs.needsDeveloper')
    : dataset.data.readableType !== 'master'
      ? t('syncs.notMaster')
      : dataset.data.driver === null
        ? t('syncs.notExternal')
        : null
  return (
    <DatasetFrame datasetId={datasetId} title={t('syncs.settings.title')}>
      {refusal !== null && (
        <Alert color="gray" mb="md">
          {refusal}
        </Alert>
      )}
      <Form datasetId={datasetId} saved={settings.data} refusal={refusal} />
    </DatasetFrame>
  )
}

function Form({ datasetId, saved, refusal }: { datasetId: string; saved: SyncSettings; refusal: string | null }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const [draft, setDraft] = useState(saved)
  const [previewProblem, setPreviewProblem] = useState<unknown>(null)
  const change = (next: Partial<SyncSettings>) => {
    setDraft((before) => ({ ...before, ...next }))
    save.reset()
    setPreviewProblem(null)
  }
  const save = useMutation({
    mutationFn: () => api.updateSyncSettings({ params: { datasetId }, body: draft }),
    onSuccess: (now) => {
      queries.setQueryData(['syncSettings', datasetId], now)
      setDraft(now)
      toast(t('syncs.settings.saved'))
    },
  })
  const isDisabled = refusal !== null
  const isChanged = JSON.stringify(draft) !== JSON.stringify(saved)
  const hasEmptyRule = [...draft.include, ...draft.exclude].some(({ pattern }) => pattern === '')
  const isFit = !hasEmptyRule && (draft.rescan === null || isInterval(draft.rescan.everyMinutes))
  const problem = save.error ?? previewProblem
  const problems = (list: 'include' | 'exclude') => problemsOf(problem, list)
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (isFit && isChanged && !isDisabled) save.mutate()
      }}
    >
      <Stack maw="52rem" gap="md">
        <Text size="sm">{t('syncs.settings.hint')}</Text>
        {(['include', 'exclude'] as const).map((list) => (
          <RuleList
            key={list}
            title={t(`syncs.settings.${list}`)}
            text={t(`syncs.settings.${list}Text`)}
            rules={draft[list]}
            problems={problems(list)}
            isDisabled={isDisabled}
            onChange={(rules) => change({ [list]: rules })}
          />
        ))}
        <PatternPreview
          datasetId={datasetId}
          include={draft.include}
          exclude={draft.exclude}
          isDisabled={isDisabled || hasEmptyRule}
          onProblem={setPreviewProblem}
        />
        <Switch
          label={t('syncs.settings.moved')}
          description={t('syncs.settings.movedText')}
          checked={draft.matchMoved}
          disabled={isDisabled}
          onChange={(event) => change({ matchMoved: event.currentTarget.checked })}
        />
        <Schedule rescan={draft.rescan} isDisabled={isDisabled} onChange={(rescan) => change({ rescan })} />
        <FormProblem error={problem} shown={shownPlaces(problem)} />
        <Group>
          <Reasoned reason={refusal}>
            <Button type="submit" disabled={isDisabled || !isChanged || !isFit} loading={save.isPending}>
              {t('syncs.settings.save')}
            </Button>
          </Reasoned>
          {isChanged && !isDisabled && (
            <>
              <Button variant="subtle" onClick={() => change(saved)}>
                {t('syncs.settings.revert')}
              </Button>
              <Text size="sm" c="dimmed">
                {t('syncs.settings.unsaved')}
              </Text>
            </>
          )}
        </Group>
      </Stack>
    </form>
  )
}

const PLACE = /(?:^|\.)(include|exclude)\.(\d+)/

/** What is wrong with the rules of one list, by the rule's place. */
function problemsOf(error: unknown, list: 'include' | 'exclude'): ReadonlyMap<number, string> {
  const found = new Map<number, string>()
  for (const [path, message] of fieldProblems(error)) {
    const place = PLACE.exec(path)
    if (place?.[1] === list) found.set(Number(place[2]), message)
  }
  return found
}

const shownPlaces = (error: unknown) => [...fieldProblems(error).keys()].filter((path) => PLACE.test(path))

function Schedule(props: {
  rescan: SyncSettings['rescan']
  isDisabled: boolean
  onChange: (rescan: SyncSettings['rescan']) => void
}) {
  const { rescan, isDisabled, onChange } = props
  const { t } = useTranslation()
  const [unit, setUnit] = useState<UnitMinutes>(unitOf(rescan?.everyMinutes ?? 60))
  return (
    <Fieldset legend={t('syncs.settings.schedule')} disabled={isDisabled}>
      <Stack gap="sm">
        <Switch
          label={t('syncs.settings.scheduleOn')}
          checked={rescan !== null}
          disabled={isDisabled}
          onChange={(event) =>
            onChange(event.currentTarget.checked ? { everyMinutes: 6 * unitMinutes[1], mode: 'sync' } : null)
          }
        />
        {rescan !== null && (
          <>
            <Group align="flex-start" gap="xs">
              <NumberInput
                label={t('syncs.settings.every')}
                w="8rem"
                min={1}
                allowDecimal={false}
                allowNegative={false}
                value={rescan.everyMinutes / unit}
                error={isInterval(rescan.everyMinutes) ? undefined : t('syncs.settings.everyProblem')}
                onChange={(value) => onChange({ ...rescan, everyMinutes: Number(value) * unit })}
              />
              <Select
                label={t('syncs.settings.unit')}
                w="9rem"
                allowDeselect={false}
                data={unitMinutes.map((minutes) => ({
                  value: String(minutes),
                  label: t(`syncs.settings.units.${minutes}`),
                }))}
                value={String(unit)}
                onChange={(value) => {
                  const next = Number(value) as UnitMinutes
                  setUnit(next)
                  onChange({ ...rescan, everyMinutes: (rescan.everyMinutes / unit) * next })
                }}
              />
            </Group>
            <Radio.Group
              label={t('syncs.settings.mode')}
              value={rescan.mode}
              onChange={(mode) => onChange({ ...rescan, mode: mode as 'sync' | 'reconcile' })}
            >
              <Stack gap={6} mt={4}>
                {(['sync', 'reconcile'] as const).map((mode) => (
                  <Radio key={mode} value={mode} label={t(`syncs.settings.modes.${mode}`)} />
                ))}
              </Stack>
            </Radio.Group>
          </>
        )}
      </Stack>
    </Fieldset>
  )
}
