import { QueryClient } from '@tanstack/react-query'
import { ApiError } from '#client/client.ts'

/** What the console has been told by the API. A refusal is final; what failed for the moment is asked for again, twice. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      retry: (count, error) => count < 2 && (!(error instanceof ApiError) || error.status === 0 || error.status >= 500),
      refetchOnWindowFocus: true,
    },
  },
})
