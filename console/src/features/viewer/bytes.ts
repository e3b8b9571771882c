import { useQuery } from '@tanstack/react-query'
import { ApiError } from '#client/client.ts'
import type { Item } from '#contract/items.ts'
import { api } from '../../app/session.ts'

/** Where a file's bytes are; a redirect to the bucket, or this server itself. `turn` makes a new address after one has failed. */
export function bytesAddress(itemId: string, turn = 0): string {
  return `/api/v1/items/${itemId}/stream${turn === 0 ? '' : `?turn=${turn}`}`
}

/** Where the bytes of an item come from. */
export type Source =
  /** From the bucket, by a signed address. */
  | 'bucket'
  /** Through this server, because the driver says so or cannot sign. */
  | 'server'

/**
 * Asks whether an item's file can be had, and from where, before anything is shown: an `<img>` would only say that it failed. A refusal is the API's error with
 * its code.
 */
export function useSource(item: Item, isWanted: boolean) {
  return useQuery({
    queryKey: ['item', item.id, 'source', item.metadata.system.storage?.etag ?? null],
    queryFn: async ({ signal }): Promise<Source> => {
      try {
        const answer = await api.streamItem({
          params: { itemId: item.id },
          headers: { range: 'bytes=0-0' },
          redirect: 'manual',
          signal,
        })
        await answer.body?.cancel()
        return answer.type === 'opaqueredirect' ? 'bucket' : 'server'
      } catch (error) {
        // An empty file has no first byte, and is there.
        if (error instanceof ApiError && error.code === 'item.range_not_satisfiable') return 'server'
        throw error
      }
    },
    enabled: isWanted,
    staleTime: 60_000,
    retry: false,
  })
}

/**
 * What the storage says of a file that the browser could not show: null when it is there and may be read, so that its format is the reason. Throws the API's
 * error. The server looks itself: a page is not told why a picture failed.
 */
export async function checkFile(item: Item): Promise<null> {
  const answer = await api
    .streamItem({ params: { itemId: item.id }, query: { through: 'server' }, headers: { range: 'bytes=0-0' } })
    .catch((error: unknown) => {
      if (error instanceof ApiError && error.code === 'item.range_not_satisfiable') return null
      throw error
    })
  await answer?.body?.cancel()
  return null
}
