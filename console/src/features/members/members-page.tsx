import { Alert, Tabs } from '@mantine/core'
import { useNavigate, useParams } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useProjects } from '../../app/place.ts'
import { useOrgId, useOrgRole, useOrgs, useProjectOfOrg } from '../../app/rights.ts'
import { Page } from '../../ui/page.tsx'
import { Failed, Loading } from '../../ui/states.tsx'
import { OrgMembers } from './org-members.tsx'
import { ProjectMembers } from './project-members.tsx'

/** Who is in the project, and who is in its organization, with their roles. */
export function MembersPage() {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const params = useParams({ strict: false }) as { orgId?: string; projectId?: string }
  const projectId = useProjectOfOrg()
  const orgId = useOrgId()
  const projects = useProjects()
  const project = projects.data?.find(({ id }) => id === projectId)
  const org = useOrgs().data?.find(({ id }) => id === orgId)
  const isWorker = useOrgRole(orgId) === 'worker'
  const shown = params.projectId === undefined ? 'organization' : 'project'
  return (
    <Page title={t('members.title')}>
      <Tabs
        value={shown}
        onChange={(chosen) => {
          if (chosen === 'project' && project !== undefined)
            void navigate({ to: '/projects/$projectId/members', params: { projectId: project.id } })
          else if (org !== undefined) void navigate({ to: '/orgs/$orgId/members', params: { orgId: org.id } })
        }}
        keepMounted={false}
      >
        <Tabs.List mb="md">
          {project !== undefined && (
            <Tabs.Tab value="project" className="name">
              {t('members.ofProject')}: {project.name}
            </Tabs.Tab>
          )}
          {org !== undefined && (
            <Tabs.Tab value="organization" className="name">
              {t('members.ofOrg')}: {org.name}
            </Tabs.Tab>
          )}
        </Tabs.List>
        <Tabs.Panel value="project">
          {project !== undefined ? (
            <ProjectMembers project={project} />
          ) : projects.error ? (
            <Failed error={projects.error} retry={() => projects.refetch()} />
          ) : projects.isPending ? (
            <Loading />
          ) : (
            <Alert color="yellow" title={t('states.noPermission')}>
              {t('members.notIn')}
            </Alert>
          )}
        </Tabs.Panel>
        <Tabs.Panel value="organization">
          {isWorker ? (
            <Alert color="yellow">{t('members.workers')}</Alert>
          ) : (
            org !== undefined && <OrgMembers org={org} />
          )}
        </Tabs.Panel>
      </Tabs>
    </Page>
  )
}
