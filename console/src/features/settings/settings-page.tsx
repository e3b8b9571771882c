import { Stack, Tabs } from '@mantine/core'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useProjects } from '../../app/place.ts'
import { useOrgId, useOrgs, useProjectOfOrg } from '../../app/rights.ts'
import { Page } from '../../ui/page.tsx'
import { AccountSettings } from './account-settings.tsx'
import { OrgSettings } from './org-settings.tsx'
import { ProjectSettings } from './project-settings.tsx'

type SettingsTab = 'project' | 'organization' | 'account'

/** Settings of the project, of its organization, and of who is logged in. */
export function SettingsPage() {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const { tab } = useSearch({ from: '/shell/settings' })
  const [projectId, orgId] = [useProjectOfOrg(), useOrgId()]
  const project = useProjects().data?.find(({ id }) => id === projectId)
  const org = useOrgs().data?.find(({ id }) => id === orgId)
  return (
    <Page title={t('settings.title')}>
      <Tabs
        value={tab ?? (project === undefined ? 'account' : 'project')}
        onChange={(chosen) => void navigate({ to: '/settings', search: { tab: chosen as SettingsTab }, replace: true })}
        keepMounted={false}
      >
        <Tabs.List mb="md">
          {project !== undefined && <Tabs.Tab value="project">{t('settings.project')}</Tabs.Tab>}
          {org !== undefined && <Tabs.Tab value="organization">{t('settings.organization')}</Tabs.Tab>}
          <Tabs.Tab value="account">{t('settings.account')}</Tabs.Tab>
        </Tabs.List>
        <Stack maw="36rem">
          <Tabs.Panel value="project">
            {project !== undefined && <ProjectSettings key={project.id} project={project} />}
          </Tabs.Panel>
          <Tabs.Panel value="organization">{org !== undefined && <OrgSettings org={org} />}</Tabs.Panel>
          <Tabs.Panel value="account">
            <AccountSettings />
          </Tabs.Panel>
        </Stack>
      </Tabs>
    </Page>
  )
}
