import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useEffect } from 'react'
import { api } from './session.ts'

const LAST_PROJECT = 'sluice.project'

/** The projects of the caller, in the order of their names. */
export function useProjects() {
  return useQuery({ queryKey: ['projects'], queryFn: ({ signal }) => api.listProjects({ signal }) })
}

/** The person who is logged in. */
export function useMe() {
  return useQuery({ queryKey: ['me'], queryFn: ({ signal }) => api.getMe({ signal }), staleTime: 60_000 })
}

/** The project that the page is about, or the last one there was; undefined when there is none. */
export function useProjectId(): string | undefined {
  const params = useParams({ strict: false }) as { projectId?: string; datasetId?: string }
  const dataset = useQuery({
    queryKey: ['dataset', params.datasetId],
    queryFn: ({ signal }) => api.getDataset({ params: { datasetId: params.datasetId! }, signal }),
    enabled: params.projectId === undefined && params.datasetId !== undefined,
  })
  const projects = useProjects()
  const known = projects.data?.map((project) => project.id) ?? []
  const last = localStorage.getItem(LAST_PROJECT)
  const projectId =
    params.projectId ?? dataset.data?.projects[0] ?? (last !== null && known.includes(last) ? last : known[0])
  useEffect(() => {
    if (projectId !== undefined) localStorage.setItem(LAST_PROJECT, projectId)
  }, [projectId])
  return projectId
}
