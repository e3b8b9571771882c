import type { DbClient } from '#db/connect.ts'

/** Number of the folder with this path; null where the dataset has none. */
export async function findFolder(tx: DbClient, datasetNo: number, path: string): Promise<number | null> {
  const { rows } = await tx.query<{ dir_no: number }>('select dir_no from dir where dataset_no = $1 and path = $2', [
    datasetNo,
    path,
  ])
  return rows[0]?.dir_no ?? null
}

/**
 * Number of the folder with this path; it and the folders above it are made where they are missing, empty, by the transaction that needs them.
 * Somebody who makes the same folder at the same time makes one of the two fail with a unique violation (23505): try again.
 */
export async function ensureFolder(
  tx: DbClient,
  target: { readonly datasetNo: number },
  path: string,
): Promise<number> {
  const paths = pathsTo(path)
  const { rows } = await tx.query<{ dir_no: number; path: string }>(
    'select dir_no, path from dir where dataset_no = $1 and path = any($2::text[])',
    [target.datasetNo, paths],
  )
  const known = new Map(rows.map((row) => [row.path, row.dir_no]))
  const fresh = paths.filter((each) => !known.has(each))
  if (fresh.length > 0) {
    let next = await takeFolderNumbers(tx, target.datasetNo, fresh.length)
    for (const each of fresh) known.set(each, next++)
    await tx.query(
      `insert into dir (dataset_no, dir_no, parent_no, path, name, is_hidden)
       select $1, f.* from unnest($2::int[], $3::int[], $4::text[], $5::text[], $6::boolean[]) f`,
      [
        target.datasetNo,
        fresh.map((each) => known.get(each)!),
        fresh.map((each) => known.get(parentOf(each))!),
        fresh,
        fresh.map((each) => each.slice(parentOf(each).length, -1)),
        fresh.map((each) => each.split('/').some((segment) => segment.startsWith('.'))),
      ],
    )
  }
  return known.get(path)!
}

/** First of so many new numbers of folders. */
async function takeFolderNumbers(tx: DbClient, datasetNo: number, count: number): Promise<number> {
  const { rows } = await tx.query<{ last: number }>(
    'update dataset_numbers set last_dir_no = last_dir_no + $2 where dataset_no = $1 returning last_dir_no as last',
    [datasetNo, count],
  )
  return rows[0]!.last - count + 1
}

/** Paths from the root, which is `''`, down to this one. */
function pathsTo(path: string): string[] {
  const paths = ['']
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) paths.push(path.slice(0, at + 1))
  return paths
}

function parentOf(path: string): string {
  // Of `/`, the folder of a key that begins with a slash, the parent is the root.
  return path.length === 1 ? '' : path.slice(0, path.lastIndexOf('/', path.length - 2) + 1)
}
