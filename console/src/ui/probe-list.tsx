import { Badge, Group, List, Paper, Stack, Text, ThemeIcon } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { ApiError } from '#client/client.ts'
import type { Driver } from '#contract/drivers.ts'
import { Icon } from './icon.tsx'

type Probe = Driver['probes'][number]

interface Probes {
  readonly probes: readonly Probe[]
  readonly warnings: readonly string[]
}

/** The rights that were tried before a failure, where it tells of them. */
export function failedProbes(error: unknown): Probes | null {
  if (!(error instanceof ApiError) || typeof error.details !== 'object' || error.details === null) return null
  const { probes, warnings } = error.details as { probes?: Probe[]; warnings?: string[] }
  return Array.isArray(probes) ? { probes, warnings: warnings ?? [] } : null
}

/** Every right that was really tried, with what came of it and what would mend it. Each reason stands once; `said`: a reason that stands above. */
export function ProbeList({ probes, warnings, said = null }: Probes & { said?: string | null }) {
  const { t } = useTranslation()
  if (probes.length === 0 && warnings.length === 0) return null
  return (
    <Paper withBorder p="sm">
      <Stack gap="xs" component="ul" m={0} p={0} style={{ listStyle: 'none' }} aria-label={t('probes.title')}>
        {probes.map((probe, place) => (
          <Group key={probe.name} component="li" gap="sm" wrap="nowrap" align="flex-start">
            <ThemeIcon size="sm" radius="xl" variant="light" color={colour(probe)}>
              <Icon name={probe.ok ? 'check' : probe.optional ? 'warning' : 'cross'} size={14} />
            </ThemeIcon>
            <div>
              <Group gap="xs">
                <Text size="sm" fw={500}>
                  {t(`probes.names.${probe.name}` as 'probes.names.list', probe.name)}
                </Text>
                <Badge size="xs" variant="light" color={colour(probe)}>
                  {t(probe.ok ? 'probes.ok' : probe.optional ? 'probes.optional' : 'probes.failed')}
                </Badge>
              </Group>
              {isNews(probe.message, probes.slice(0, place), 'message') && probe.message !== said && (
                <Text size="xs" c="dimmed" className="name">
                  {probe.message}
                </Text>
              )}
              {probe.region !== undefined && (
                <Text size="xs" c="dimmed">
                  {t('probes.region', { region: probe.region })}
                </Text>
              )}
              {isNews(probe.remedy, probes.slice(0, place), 'remedy') && (
                <Text size="xs" className="name">
                  {probe.remedy}
                </Text>
              )}
            </div>
          </Group>
        ))}
      </Stack>
      {warnings.length > 0 && (
        <List size="xs" mt="xs" icon={<Icon name="warning" size={14} />}>
          {warnings.map((warning) => (
            <List.Item key={warning} className="name">
              {warning}
            </List.Item>
          ))}
        </List>
      )}
    </Paper>
  )
}

/** Rights that hang on another repeat what it said. */
function isNews(text: string | undefined, earlier: readonly Probe[], field: 'message' | 'remedy'): boolean {
  return text !== undefined && !earlier.some((probe) => probe[field] === text)
}

const colour = ({ ok, optional }: Probe) => (ok ? 'teal' : optional ? 'yellow' : 'red')
