import { Box, Group, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { PageLink } from '../ui/link.tsx'
import { Page } from '../ui/page.tsx'
import { useDataset } from './dataset.ts'
import { useProjectRole } from './rights.ts'

/** What the caller may do with a dataset; all false until that is known. */
export function useDatasetRights(datasetId: string): { isDeveloper: boolean; isOwner: boolean; isKnown: boolean } {
  const dataset = useDataset(datasetId)
  const role = useProjectRole(dataset.data?.projects[0])
  const isKnown = dataset.data !== undefined && role !== undefined
  return {
    isDeveloper: isKnown && (role === 'owner' || role === 'engineer'),
    isOwner: isKnown && role === 'owner',
    isKnown,
  }
}

const pages = [
  { to: '/datasets/$datasetId', label: 'browse' },
  { to: '/datasets/$datasetId/syncs', label: 'syncs' },
  { to: '/datasets/$datasetId/sync-settings', label: 'settings' },
  { to: '/datasets/$datasetId/skipped', label: 'skipped' },
  { to: '/datasets/$datasetId/removed', label: 'removed' },
  { to: '/datasets/$datasetId/explain', label: 'explain' },
] as const

/** On a small screen the line of pages scrolls, and where one is must be in sight. */
const showCurrent = (nav: HTMLElement | null) =>
  nav?.querySelector('[aria-current=page]')?.scrollIntoView({ block: 'nearest', inline: 'center' })

/** The frame of the pages about one dataset and its storage: its name, and the way to the others. */
export function DatasetFrame({
  datasetId,
  title,
  figures,
  actions,
  children,
}: {
  datasetId: string
  title: string
  figures?: ReactNode
  actions?: ReactNode
  children: ReactNode
}) {
  const { t } = useTranslation()
  const dataset = useDataset(datasetId)
  return (
    <>
      <Box px="md" pt="sm" maw="var(--page-max)" mx="auto">
        <Text fw={600} className="name">
          {dataset.data?.name ?? ' '}
        </Text>
        <Group
          component="nav"
          ref={showCurrent}
          aria-label={t('datasetFrame.nav')}
          gap="md"
          mt={4}
          wrap="nowrap"
          style={{ overflowX: 'auto', whiteSpace: 'nowrap' }}
        >
          {pages.map(({ to, label }) => (
            <PageLink
              key={to}
              to={to}
              params={{ datasetId }}
              size="sm"
              activeOptions={{ exact: label === 'browse', includeSearch: false }}
              activeProps={{ style: { fontWeight: 700, textDecoration: 'underline' } }}
            >
              {t(`datasetFrame.${label}`)}
            </PageLink>
          ))}
        </Group>
      </Box>
      <Page title={title} figures={figures} actions={actions}>
        {children}
      </Page>
    </>
  )
}
