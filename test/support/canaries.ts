// Searches what a server leaves behind for planted secrets.
import type { TestApi } from './api.ts'

/**
 * Where any of these secrets can be read: every row of every table and every line of the log. As text, in base64 at each of its
 * three alignments, in hexadecimal, and as an address would carry it. Answers `table: secret`; empty is good.
 */
export async function plaintextHits(api: TestApi, secrets: readonly string[]): Promise<string[]> {
  const places = new Map([['log', Buffer.from(api.logs())]])
  const { pool } = api.database
  const { rows: tables } = await pool.query<{ name: string }>(
    `select quote_ident(tablename) as name from pg_tables where schemaname = 'public' order by 1`,
  )
  for (const { name } of tables) {
    // As text by the database: some numbers are too large for JavaScript's, and bytes come in hexadecimal, which is one of the spellings.
    const { rows } = await pool.query<{ row: string }>(`select row_to_json(t)::text as row from ${name} t`)
    places.set(name, Buffer.from(rows.map(({ row }) => row).join('\n')))
  }
  const hits: string[] = []
  for (const [place, bytes] of places) {
    for (const secret of secrets)
      if (spellings(secret).some((spelling) => bytes.includes(spelling))) hits.push(`${place}: ${secret}`)
  }
  return hits
}

function spellings(secret: string): string[] {
  // Three alignments: base64 of a text inside a longer one depends on where it begins; the first and last group hold neighbours' bits.
  const base64 = [0, 1, 2].map((skip) =>
    Buffer.concat([Buffer.alloc(skip), Buffer.from(secret)])
      .toString('base64')
      .replace(/=+$/, '')
      .slice(skip === 0 ? 0 : skip + 1, -1),
  )
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    Buffer.from(secret).toString('hex'),
    ...base64,
  ]
}
