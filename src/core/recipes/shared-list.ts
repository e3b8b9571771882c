import type { SharedListQuery } from '#contract/recipes.ts'
import type { Db } from '#db/connect.ts'
import { placeOfPage } from '#lib/page.ts'
import type { Caller } from '../deps.ts'
import type { Shared } from './membership.ts'

/** A page in the shape the SDK reads. */
export interface Page<T> {
  readonly totalItemsCount: number
  readonly totalPagesCount: number
  readonly hasNextPage: boolean
  readonly items: T[]
}

/** Columns of `recipe r` and `ontology r` alike, with the people by e-mail address and the projects in their order. */
export const sharedColumns = (kind: Shared) => `r.*, c.email as creator, u.email as updater,
  array(select x.project_id from ${kind}_project x where x.${kind}_id = r.id order by x.position) as project_ids`

/** Where `sharedColumns` come from. */
export const sharedFrom = (kind: Shared) =>
  `from ${kind} r join user_account c on c.id = r.creator_id join user_account u on u.id = r.updater_id`

/**
 * One page of recipes or ontologies of the projects the caller is in, oldest first.
 *
 * Projects that are asked for and that the caller is not in give nothing; without any, those of all of the caller's projects are listed.
 */
export async function listShared<Row extends { id: string }>(
  db: Db,
  caller: Caller,
  kind: Shared,
  query: SharedListQuery,
): Promise<Page<Row>> {
  const { pageOffset, pageSize } = query
  const { rows } = await db.query<{ id: string }>(
    `select r.id from ${kind} r join user_account c on c.id = r.creator_id
      where exists (select 1 from ${kind}_project x join project_member m on m.project_id = x.project_id and m.user_id = $1
                     where x.${kind}_id = r.id and ($2::text[] is null or x.project_id = any($2)))
        and ($3::text[] is null or r.id = any($3))
        and ($4::text is null or r.title like $4)
        and ($5::text is null or lower(c.email) = lower($5))
        ${kind === 'recipe' ? 'and ($6::text[] is null or r.ontology_ids && $6)' : 'and $6::text[] is null'}
      order by r.created_at, r.id`,
    [
      caller.userId,
      listOf(query.projects),
      listOf(query.ids),
      query.title === undefined ? null : likeOf(query.title),
      query.creator ?? null,
      kind === 'recipe' ? listOf(query.ontologies) : null,
    ],
  )
  const ids = rows.slice(pageOffset * pageSize, (pageOffset + 1) * pageSize).map(({ id }) => id)
  const page = await db.query<Row>(
    `select ${sharedColumns(kind)} ${sharedFrom(kind)} where r.id = any($1) order by array_position($1, r.id)`,
    [ids],
  )
  return { ...placeOfPage(rows.length, { page: pageOffset, pageSize }), items: page.rows }
}

function listOf(text: string | undefined): string[] | null {
  return text === undefined ? null : text.split(',')
}

/** `*` stands for any characters; everything else for itself. */
function likeOf(title: string): string {
  return title.replaceAll(/[\\%_]/g, '\\$&').replaceAll('*', '%')
}
