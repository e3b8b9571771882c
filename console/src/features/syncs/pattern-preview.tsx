import { Alert, Button, Code, List, Stack, Text, Textarea } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { PatternRule, PatternPreview as Preview } from '#contract/sync-settings.ts'
import { api } from '../../app/session.ts'
import { formatCount } from '../../ui/format.ts'

/** Paths that the API tries at once. */
const KEYS_MAX = 1000

/** Tells what patterns would keep out, before they are saved. `onProblem`: the API refuses them, or null when it took them. */
export function PatternPreview(props: {
  datasetId: string
  include: readonly PatternRule[]
  exclude: readonly PatternRule[]
  isDisabled: boolean
  onProblem: (error: unknown) => void
}) {
  const { datasetId, include, exclude, isDisabled, onProblem } = props
  const { t } = useTranslation()
  const [keys, setKeys] = useState('')
  const given = keys
    .split('\n')
    .filter((key) => key !== '')
    .slice(0, KEYS_MAX)
  const asked = JSON.stringify([include, exclude, given])
  const preview = useMutation({
    mutationFn: (_asked: string) =>
      api.previewSyncSettings({
        params: { datasetId },
        body: { include: [...include], exclude: [...exclude], ...(given.length > 0 && { keys: given }) },
      }),
    onSuccess: () => onProblem(null),
    onError: onProblem,
  })
  return (
    <Stack gap="sm">
      <Textarea
        label={t('syncs.settings.keys')}
        description={t('syncs.settings.keysHint')}
        autosize
        minRows={2}
        maxRows={8}
        spellCheck={false}
        value={keys}
        onChange={(event) => setKeys(event.currentTarget.value)}
        disabled={isDisabled}
      />
      <div>
        <Button
          variant="default"
          disabled={isDisabled}
          loading={preview.isPending}
          onClick={() => preview.mutate(asked)}
        >
          {t('syncs.settings.preview')}
        </Button>
      </div>
      {/* What was found for other patterns says nothing of these. */}
      {preview.data !== undefined && preview.variables === asked && <Outcome preview={preview.data} />}
    </Stack>
  )
}

function Outcome({ preview }: { preview: Preview }) {
  const { t } = useTranslation()
  const { looked, total, isComplete, keptOut, byRule, samples } = preview
  const nameOf = (rule: PatternRule | null) => rule?.pattern ?? t('syncs.settings.notIncluded')
  if (looked === 0)
    return (
      <Alert color="yellow" role="status">
        {t('syncs.settings.previewNone')}
      </Alert>
    )
  return (
    <Alert color="blue" title={t('syncs.settings.previewTitle')} role="status">
      <Text size="sm" fw={600}>
        {t('syncs.settings.previewCount', { keptOut: formatCount(keptOut), looked: formatCount(looked) })}
      </Text>
      {!isComplete && <Text size="sm">{t('syncs.settings.previewPart', { total: formatCount(total) })}</Text>}
      {byRule.length > 0 && (
        <>
          <Text size="sm" fw={600} mt="xs">
            {t('syncs.settings.previewRules')}
          </Text>
          <List size="sm">
            {byRule.map(({ rule, count }) => (
              <List.Item key={JSON.stringify(rule)} className="name">
                <Code>{nameOf(rule)}</Code> {formatCount(count)}
              </List.Item>
            ))}
          </List>
          <Text size="sm" fw={600} mt="xs">
            {t('syncs.settings.previewSamples')}
          </Text>
          <List size="sm" mah="14rem" style={{ overflow: 'auto' }} tabIndex={0}>
            {samples.map(({ path, rule }) => (
              <List.Item key={path} className="name">
                <Code>{path}</Code> {nameOf(rule)}
              </List.Item>
            ))}
          </List>
        </>
      )}
    </Alert>
  )
}
