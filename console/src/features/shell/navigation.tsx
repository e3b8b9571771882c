import { Box, NavLink, Select, Text } from '@mantine/core'
import { Link, useLocation, useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useProjects } from '../../app/place.ts'
import { useOrgId, useOrgRole, useOrgs, useProjectOfOrg, useProjectRole } from '../../app/rights.ts'
import { Icon } from '../../ui/icon.tsx'

/** Where one can go from anywhere. `follow` is called when somebody goes there. */
export function Navigation({ follow }: { follow: () => void }) {
  const { t } = useTranslation()
  const { pathname } = useLocation()
  const orgId = useOrgId()
  const projectId = useProjectOfOrg()
  const role = useProjectRole(projectId)
  const orgRole = useOrgRole(orgId)
  // Who may not see a page is not led to it; its address tells them why.
  const seesStorage = role === 'owner' || role === 'engineer'
  const seesSecrets = orgRole !== undefined && orgRole !== 'worker'
  return (
    <Box component="div" onClick={follow}>
      {projectId !== undefined && (
        <>
          <Heading text={t('nav.data')} />
          <NavLink
            label={t('nav.datasets')}
            active={/^\/(projects\/[^/]+\/datasets|datasets|items)\b/.test(pathname)}
            leftSection={<Icon name="dataset" />}
            renderRoot={(props) => <Link to="/projects/$projectId/datasets" params={{ projectId }} {...props} />}
          />
          {seesStorage && (
            <NavLink
              label={t('nav.drivers')}
              active={/^\/projects\/[^/]+\/drivers/.test(pathname)}
              leftSection={<Icon name="storage" />}
              renderRoot={(props) => <Link to="/projects/$projectId/drivers" params={{ projectId }} {...props} />}
            />
          )}
        </>
      )}
      <Heading text={t('nav.organization')} />
      <OrgSwitch />
      {orgId !== undefined && seesSecrets && (
        <NavLink
          label={t('nav.integrations')}
          active={/^\/orgs\/[^/]+\/integrations/.test(pathname)}
          leftSection={<Icon name="integration" />}
          renderRoot={(props) => <Link to="/orgs/$orgId/integrations" params={{ orgId }} {...props} />}
        />
      )}
      {projectId !== undefined ? (
        <NavLink
          label={t('nav.members')}
          active={/\/members$/.test(pathname)}
          leftSection={<Icon name="members" />}
          renderRoot={(props) => <Link to="/projects/$projectId/members" params={{ projectId }} {...props} />}
        />
      ) : (
        orgId !== undefined && (
          <NavLink
            label={t('nav.members')}
            active={/\/members$/.test(pathname)}
            leftSection={<Icon name="members" />}
            renderRoot={(props) => <Link to="/orgs/$orgId/members" params={{ orgId }} {...props} />}
          />
        )
      )}
      <NavLink
        label={t('nav.settings')}
        active={pathname === '/settings'}
        leftSection={<Icon name="settings" />}
        renderRoot={(props) => <Link to="/settings" {...props} />}
      />
    </Box>
  )
}

function Heading({ text }: { text: string }) {
  return (
    <Text size="xs" fw={700} c="dimmed" px="sm" py={6} mt={4}>
      {text}
    </Text>
  )
}

/** The active organization: a choice where there are several, its name where there is one. */
function OrgSwitch() {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const orgId = useOrgId()
  const orgs = useOrgs()
  const projects = useProjects()
  const all = orgs.data ?? []
  if (all.length < 2)
    return (
      <Text size="sm" px="sm" pb={6} className="name">
        {all[0]?.name ?? t('nav.noOrganization')}
      </Text>
    )
  const choose = (chosen: string) => {
    const project = projects.data?.find(({ org }) => org.id === chosen)
    if (project === undefined) void navigate({ to: '/orgs/$orgId/members', params: { orgId: chosen } })
    else void navigate({ to: '/projects/$projectId/datasets', params: { projectId: project.id } })
  }
  return (
    // Choosing is not going somewhere yet: the navigation stays open on a small screen.
    <Box px="sm" pb={6} onClick={(event) => event.stopPropagation()}>
      <Select
        aria-label={t('nav.organizationSwitch')}
        data={all.map(({ id, name }) => ({ value: id, label: name }))}
        value={orgId ?? null}
        onChange={(chosen) => chosen !== null && choose(chosen)}
        allowDeselect={false}
        searchable
        size="xs"
      />
    </Box>
  )
}
