import type { thumbnailRoutes } from '#contract/thumbnails.ts'
import { streamItem } from '#core/items/items.ts'
import { findThumbnail } from '#core/thumbnails/thumbnails.ts'
import type { Handlers } from '../handler.ts'
import { sendBytes, sendRedirect, untilClosed } from './items.ts'

/** Small pictures of items. */
export const thumbnailHandlers: Handlers<typeof thumbnailRoutes> = {
  getThumbnail: async (deps, call) => {
    const found = await findThumbnail(deps, call.caller, call.params.itemId, call.query.width ?? null)
    if ('unstored' in found) {
      const { bytes, contentType } = found.unstored
      return call.reply
        .headers({
          'content-type': contentType,
          'cache-control': 'private, no-cache',
          'x-content-type-options': 'nosniff',
        })
        .send(bytes)
    }
    const answer = await streamItem(deps, call.caller, found.itemId, {
      isHead: call.raw.method === 'HEAD',
      range: call.raw.headers.range,
      signal: untilClosed(call.reply),
    })
    return answer.kind === 'redirect' ? sendRedirect(call.reply, answer) : sendBytes(call.reply, answer)
  },
}
