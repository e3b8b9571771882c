import { type NoticeCode, noticeKinds } from '#contract/notifications.ts'
import type { Db } from '#db/connect.ts'
import { newId } from '#lib/ids.ts'

/** Channel that tells every process of a changed notification; the payload is its number and nothing else. */
export const CHANNEL = 'sluice_notification'

/** Longest text that is kept, in characters. */
const TEXT_LENGTH_MAX = 2_000

/** Something that the owners and engineers of a project should know. */
export interface Notice {
  /** What happened; title, category and priority follow from it. */
  readonly code: NoticeCode
  readonly orgId: string
  readonly projectId: string
  /** What it happened to, and what was being done with it. */
  readonly resource: {
    readonly type: 'dataset' | 'driver' | 'org'
    readonly id: string
    readonly name: string
    readonly action: string
  }
  /** What happened and what to do, in whole sentences; cut after 2,000 characters. Must not hold a secret. */
  readonly text: string
  /**
   * Notices of one project with the same key are one notification (NT-05): `sync:<commandId>`. The same code again counts up, another code replaces it.
   * At most 200 characters.
   */
  readonly groupKey: string
  /** How far running work is. `percent` is 0 to 100, null where the end is not known; `count` is what was done so far. */
  readonly progress?: {
    readonly percent: number | null
    readonly count: number
    readonly perSecond: number
    readonly secondsLeft: number | null
  }
}

const finalCodes = (Object.keys(noticeKinds) as NoticeCode[]).filter((code) => noticeKinds[code].isFinal)

/**
 * Puts a notice on record in the caller's transaction; people see it when that commits, at once where they look on.
 *
 * One statement, and it locks the notification's row until the transaction ends: call it last. Committing a notice waits for other transactions
 * that commit one (PostgreSQL's NOTIFY), so progress is to be told once a second at most. Progress may be told apart from the work: it never replaces
 * an end, nor anything that was told at the same `nowMs` or later. Nothing happens when the project is gone.
 */
export async function notify(tx: Db, notice: Notice, nowMs: number): Promise<void> {
  const kind = noticeKinds[notice.code]
  const { resource } = notice
  await tx.query(
    `with told as (
       insert into notification as n (id, project_id, group_key, code, category, resource_type, resource_id, resource_name, resource_action,
                                      text, progress, news_no, changed, created_at, updated_at)
       select $1, p.id, $4, $5, $6, $7, $8, $9, $10, $11, $12::jsonb, nextval('notification_news'), pg_current_xact_id(),
              to_timestamp($13::float8 / 1000), to_timestamp($13::float8 / 1000)
         from project p where p.id = $2 and p.org_id = $3
       on conflict (project_id, group_key) do update
          set code = excluded.code, category = excluded.category, resource_name = excluded.resource_name,
              resource_action = excluded.resource_action, text = excluded.text, progress = excluded.progress,
              times = case when n.code = excluded.code and $14 then n.times + 1 else 1 end,
              news_no = case when $14 then excluded.news_no else n.news_no end,
              changed = excluded.changed, updated_at = greatest(n.updated_at, excluded.updated_at)
        where $14 or (n.code <> all($15::text[]) and n.updated_at < excluded.updated_at)
       returning notification_no)
     select pg_notify($16, notification_no::text) from told`,
    [
      newId(nowMs),
      notice.projectId,
      notice.orgId,
      notice.groupKey,
      notice.code,
      kind.category,
      resource.type,
      resource.id,
      storable(resource.name),
      resource.action,
      storable(notice.text).slice(0, TEXT_LENGTH_MAX),
      notice.progress === undefined ? null : JSON.stringify(notice.progress),
      nowMs,
      kind.isProgress !== true,
      finalCodes,
      CHANNEL,
    ],
  )
}

/** PostgreSQL refuses NUL in a text, and a notice must never be what breaks its teller's transaction. */
function storable(text: string): string {
  return text.replaceAll('\0', '\u{fffd}')
}
