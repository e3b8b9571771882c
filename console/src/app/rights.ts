import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useEffect } from 'react'
import type { OrgRole, ProjectRole } from '#contract/route.ts'
import { useMe, useProjectId, useProjects } from './place.ts'
import { api } from './session.ts'

const LAST_ORG = 'sluice.organization'

/** The organizations of the caller, in the order of their names. */
export function useOrgs() {
  return useQuery({ queryKey: ['orgs'], queryFn: ({ signal }) => api.listOrgs({ signal }) })
}

/** Id of the organization that the page is about: the address's, else the project's, else the last one there was. */
export function useOrgId(): string | undefined {
  const params = useParams({ strict: false }) as { orgId?: string; projectId?: string; datasetId?: string }
  const projectId = useProjectId()
  const projects = useProjects()
  const orgs = useOrgs()
  const me = useMe()
  const ofProject = projects.data?.find(({ id }) => id === projectId)?.org.id
  const known = orgs.data?.map(({ id }) => id) ?? []
  const last = localStorage.getItem(LAST_ORG)
  const ofPage = params.projectId !== undefined || params.datasetId !== undefined ? ofProject : undefined
  const lastKnown = last !== null && known.includes(last) ? last : undefined
  const orgId = params.orgId ?? ofPage ?? lastKnown ?? ofProject ?? me.data?.org?.id ?? known[0]
  useEffect(() => {
    if (orgId !== undefined) localStorage.setItem(LAST_ORG, orgId)
  }, [orgId])
  return orgId
}

/** What the caller is in an organization; undefined until that is known. Workers do not see who is in it, themselves included. */
export function useOrgRole(orgId: string | undefined): OrgRole | undefined {
  const orgs = useOrgs()
  const me = useMe()
  const org = orgs.data?.find(({ id }) => id === orgId)
  if (org === undefined || me.data === undefined) return undefined
  return (org.members.find(({ id }) => id === me.data.id)?.role ?? 'worker') as OrgRole
}

/** Whether the caller may change what belongs to an organization: integrations, people. */
export function useIsOrgAdmin(orgId: string | undefined): boolean {
  const role = useOrgRole(orgId)
  return role === 'owner' || role === 'admin'
}

/** What the caller is in a project; undefined until that is known, null for who is not in it. */
export function useProjectRole(projectId: string | undefined): ProjectRole | null | undefined {
  const projects = useProjects()
  if (projects.data === undefined) return undefined
  return projects.data.find(({ id }) => id === projectId)?.role ?? null
}

/** Whether the caller may connect storage, make datasets and sync in a project: its developers and owners. */
export function useIsDeveloper(projectId: string | undefined): boolean {
  const role = useProjectRole(projectId)
  return role === 'owner' || role === 'engineer'
}

/** Id of the active project, when it is one of the active organization: things of two organizations never meet. */
export function useProjectOfOrg(): string | undefined {
  const projectId = useProjectId()
  const orgId = useOrgId()
  const projects = useProjects()
  return projects.data?.find(({ id }) => id === projectId)?.org.id === orgId ? projectId : undefined
}
