import { grant } from '#core/access/access.ts'
import type { Caller, Deps } from '#core/deps.ts'
import { AppError } from '#lib/app-error.ts'
import { parseItemId } from '#lib/ids.ts'

/** Links that lead to links, at the most. */
export const LINKS_MAX = 3

/** What a link item leads to. */
export type LinkTarget =
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'item'; readonly itemId: string }

/** Reads from an item's document whether it is a link, and where to; null for an item that is none. */
export function linkTarget(document: Readonly<Record<string, unknown>> | null): LinkTarget | null {
  const shebang = (document?.system as { shebang?: { dltype?: unknown; linkInfo?: unknown } } | undefined)?.shebang
  if (typeof shebang !== 'object' || shebang === null || shebang.dltype !== 'link') return null
  const { type, ref } = (shebang.linkInfo ?? {}) as { type?: unknown; ref?: unknown }
  if (typeof ref !== 'string') return null
  if (type === 'url') return { kind: 'url', url: ref }
  return type === 'id' ? { kind: 'item', itemId: ref } : null
}

/** Throws `item.link_broken` unless the caller may read the item that a link leads to; whether it is there does not follow. */
export async function requireReadable(deps: Deps, caller: Caller, itemId: string): Promise<void> {
  if (parseItemId(itemId) === null) throw new AppError('item.link_broken')
  await grant(deps, caller, 'item', itemId, 'annotator').catch((cause) => {
    throw new AppError('item.link_broken', { cause })
  })
}

/** The address of a link as a browser may be sent there: only http and https, whose bytes this server never fetches itself (LK-08). */
export function linkUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new AppError('item.link_broken', { message: 'This link has an address that only its own computer can open.' })
  return url.href
}
