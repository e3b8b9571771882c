import { useQuery } from '@tanstack/react-query'
import type { z } from 'zod'
import type { AvailableIntegration } from '#contract/integrations.ts'
import { api } from './session.ts'

/** A kind of integration with what its form asks for, as the server describes it. */
export type Kind = z.output<typeof AvailableIntegration>

/** The kinds of integration there can be, in the server's order. */
export function useKinds(orgId: string | undefined) {
  return useQuery({
    queryKey: ['integrationKinds', orgId],
    queryFn: async ({ signal }) =>
      (await api.listAvailableIntegrations({ params: { orgId: orgId! }, signal })).filter(({ isKind }) => isKind),
    enabled: orgId !== undefined,
    staleTime: 300_000,
  })
}

/** The integrations of an organization. */
export function useIntegrations(orgId: string | undefined) {
  return useQuery({
    queryKey: ['integrations', orgId],
    queryFn: ({ signal }) => api.listIntegrations({ params: { orgId: orgId! }, signal }),
    enabled: orgId !== undefined,
  })
}
