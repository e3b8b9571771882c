// Proves that annotations use data points as files do, key frames of videos included, exactly, whatever comes and goes, in bulk and at once.
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { excludeItems, removeItems, restoreItems, takeTicket } from '#core/catalog/catalog.ts'
import { auditDataPoints, repairDataPoints } from '#core/quota/quota.ts'
import { withTransaction } from '#db/connect.ts'
import { parseItemId } from '#lib/ids.ts'
import { type TestApi, withApi } from '../support/api.ts'
import { type SeededDataset, seedDataset } from '../support/catalog.ts'

let api: TestApi
let projectId: string
beforeAll(async () => {
  api = await withApi()
  projectId = await api.addProject()
})
afterAll(() => api.close())
beforeEach(() => setMax(null))

const call = (method: string, path: string, json?: unknown) =>
  api.call(api.owner, method, `/api/v1${path}`, json === undefined ? {} : { json })
async function must(method: string, path: string, json?: unknown) {
  const answer = await call(method, path, json)
  if (answer.status >= 400) throw new Error(answer.text)
  return answer
}
const setMax = (max: number | null) => must('PATCH', `/orgs/${api.orgId}/dataPoints`, { max })
const used = async (): Promise<number> => (await must('GET', `/orgs/${api.orgId}/dataPoints`)).body.used
const box = (label: string, snapshots?: number) => ({
  type: 'box',
  label,
  coordinates: [
    { x: 1, y: 2 },
    { x: 3, y: 4 },
  ],
  ...(snapshots !== undefined && {
    metadata: { system: { frame: 0, snapshots_: Array.from({ length: snapshots }, (_, n) => ({ frame: n + 1 })) } },
  }),
})
const annotate = (id: string, annotations: unknown[]) => call('POST', `/items/${id}/annotations`, annotations)

/** A dataset of rows whose items are counted. */
async function seed(keys: readonly string[]): Promise<SeededDataset> {
  const seeded = await seedDataset(api.deps.db, keys, { projectId })
  await repairDataPoints(api.deps.db)
  return seeded
}
const target = async (seeded: SeededDataset) => ({
  datasetNo: seeded.datasetNo,
  orgId: api.orgId,
  ticket: await takeTicket(api.deps.db),
  nowMs: api.deps.clock.now(),
})
const numberOf = (id: string) => (parseItemId(id) as { itemNo: string }).itemNo

describe('annotations', () => {
  test('use one each and give it back; a video’s use one a key frame', async () => {
    const seeded = await seed(['a.jpg', 'b.mp4'])
    const before = await used()
    await annotate(seeded.idOf('a.jpg'), [box('one'), box('two')])
    expect(await used()).toBe(before + 2)
    const video = await annotate(seeded.idOf('b.mp4'), [box('moves', 4)])
    expect(await used()).toBe(before + 7)
    const id = video.body[0].id
    await must('PUT', `/annotations/${id}`, { metadata: { system: { snapshots_: [{ frame: 9 }] } } })
    expect(await used()).toBe(before + 4)
    await must('PUT', `/annotations/${id}`, { label: 'other' })
    expect(await used()).toBe(before + 4)
    await must('DELETE', `/annotations/${id}`)
    expect(await used()).toBe(before + 2)
    await must('DELETE', `/items/${seeded.idOf('a.jpg')}`)
    expect(await used()).toBe(before - 1)
    await must('DELETE', `/datasets/${seeded.datasetId}`)
    expect(await used()).toBe(before - 2)
    expect(await auditDataPoints(api.deps.db)).toEqual([])
  })

  test('are refused as a whole with the quota’s own code when too few are free, and so is a key frame more', async () => {
    const seeded = await seed(['a.jpg'])
    const before = await used()
    await setMax(before + 2)
    const refused = await annotate(seeded.idOf('a.jpg'), [box('1'), box('2'), box('3')])
    expect(refused.body).toMatchObject({ code: 'quota.exceeded', details: { needed: 3, free: 2 } })
    const item = await must('GET', `/items/${seeded.idOf('a.jpg')}`)
    expect(item.body).toMatchObject({ annotated: false, annotationsCount: 0 })
    const made = await annotate(seeded.idOf('a.jpg'), [box('1'), box('2')])
    expect(made.status).toBe(200)
    const more = await call('PUT', `/annotations/${made.body[0].id}`, box('1', 1))
    expect(more.body).toMatchObject({ code: 'quota.exceeded', details: { needed: 1, free: 0 } })
    expect(await used()).toBe(before + 2)
  })

  test('of 40 writers at once exactly as many are taken as are free', async () => {
    const seeded = await seed(['a.jpg', 'b.jpg', 'c.jpg'])
    const before = await used()
    await setMax(before + 25)
    const ids = ['a.jpg', 'b.jpg', 'c.jpg'].map((key) => seeded.idOf(key))
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) => annotate(ids[n % 3]!, [box(`at once ${n}`)])),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(25)
    expect(new Set(answers.filter(({ status }) => status !== 200).map(({ body }) => body.code))).toEqual(
      new Set(['quota.exceeded']),
    )
    expect(await used()).toBe(before + 25)
    expect(await auditDataPoints(api.deps.db)).toEqual([])
  })

  test('of an item that comes back but does not fit keep it out', async () => {
    const seeded = await seed(['a.jpg'])
    await annotate(seeded.idOf('a.jpg'), [box('1'), box('2')])
    const no = numberOf(seeded.idOf('a.jpg'))
    const db = api.deps.db
    await withTransaction(db, async (tx) => removeItems(tx, await target(seeded), [no], 'gone'))
    const before = await used()
    await setMax(before + 2)
    const restored = withTransaction(db, async (tx) => restoreItems(tx, await target(seeded), [no]))
    await expect(restored).rejects.toMatchObject({ code: 'quota.exceeded' })
    await setMax(before + 3)
    await withTransaction(db, async (tx) => restoreItems(tx, await target(seeded), [no]))
    expect(await used()).toBe(before + 3)
    expect(await auditDataPoints(db)).toEqual([])
  })
})

const keys = ['a.jpg', 'f/b.jpg', 'f/c.mp4']
const act = fc.oneof(
  fc.record({ kind: fc.constant('annotate' as const), at: fc.nat(2), n: fc.nat(3), frames: fc.nat(2) }),
  fc.record({ kind: fc.constant('change' as const), at: fc.nat(9), frames: fc.nat(3) }),
  fc.record({ kind: fc.constant('unannotate' as const), at: fc.nat(9) }),
  fc.record({ kind: fc.constantFrom('take' as const, 'back' as const, 'exclude' as const), at: fc.nat(2) }),
  fc.record({ kind: fc.constant('delete' as const), at: fc.nat(2) }),
)

describe('whatever is done in whatever order', () => {
  test('the counters are what a count of the rows says', async () => {
    const { db } = api.deps
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 3, maxLength: 10 }), async (acts) => {
        const seeded = await seed(keys)
        for (const each of acts) {
          const id = each.kind === 'change' || each.kind === 'unannotate' ? null : seeded.idOf(keys[each.at]!)
          if (each.kind === 'annotate')
            await annotate(
              id!,
              Array.from({ length: each.n }, (_, n) => box(`${n}`, each.frames)),
            )
          else if (each.kind === 'change' || each.kind === 'unannotate') {
            const { rows } = await db.query<{ id: string }>(
              `select lpad(to_hex(dataset_no), 8, '0') || lpad(to_hex(annotation_no), 16, '0') as id from annotation where dataset_no = $1 order by annotation_no`,
              [seeded.datasetNo],
            )
            const found = rows[each.at]
            if (found === undefined) continue
            if (each.kind === 'change') await call('PUT', `/annotations/${found.id}`, box('x', each.frames))
            else await call('DELETE', `/annotations/${found.id}`)
          } else if (each.kind === 'delete') await call('DELETE', `/items/${id}`)
          else {
            const work = { take: removeItems, exclude: excludeItems, back: restoreItems }[each.kind]
            await withTransaction(db, async (tx) => work(tx, await target(seeded), [numberOf(id!)], 'gone'))
          }
        }
        expect(await auditDataPoints(db)).toEqual([])
        const { rows } = await db.query(
          `select d.annotations::int, d.annotation_points::int as points, count(a)::int as counted, coalesce(sum(a.points), 0)::int as worth
             from dataset d left join (annotation a join item i using (dataset_no, item_no)) on a.dataset_no = d.dataset_no
            where d.dataset_no = $1 group by d.dataset_no`,
          [seeded.datasetNo],
        )
        expect(rows[0]).toMatchObject({ annotations: rows[0].counted, points: rows[0].worth })
      }),
      { numRuns: 40 },
    )
  })
})
