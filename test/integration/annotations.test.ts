// Proves that annotations of every type come back as they were sent, that changes merge, that what is malformed is refused with its place, and that the
// counters of items and datasets are exact whoever adds, deletes, removes and restores at the same time.
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { annotationTypes } from '#contract/annotations.ts'
import { clearMissing, restoreItems } from '#core/catalog/catalog.ts'
import { withTransaction } from '#db/connect.ts'
import { parseItemId } from '#lib/ids.ts'
import { type Actor, type Sent, type TestApi, withApi } from '../support/api.ts'
import { type SeededDataset, seedDataset } from '../support/catalog.ts'

let api: TestApi
let projectId: string
let dataset: SeededDataset
let itemId: string
beforeAll(async () => {
  api = await withApi()
  projectId = await api.addProject()
  dataset = await seedDataset(api.database.pool, ['a.jpg', 'dir/b.mp4'], { projectId })
  itemId = dataset.idOf('a.jpg')
})
afterAll(() => api.close())

const call = (method: string, path: string, sent?: Sent, actor: Actor | null = api.owner) =>
  api.call(actor, method, `/api/v1${path}`, sent)
const post = (id: string, json: unknown) => call('POST', `/items/${id}/annotations`, { json })

async function add(id: string, ...annotations: readonly Record<string, unknown>[]) {
  const answer = await post(id, annotations)
  expect(answer.status, answer.text).toBe(200)
  return answer.body as Record<string, unknown>[]
}

/** As the SDK sends a new one: what it does not know is null. */
const sent = (fields: Record<string, unknown>) => ({
  id: null,
  url: null,
  creator: null,
  hash: null,
  item: null,
  createdAt: null,
  updatedBy: null,
  updatedAt: null,
  source: 'sdk',
  attributes: null,
  metadata: { system: { automated: true, attributes: {} } },
  itemId,
  datasetId: dataset.datasetId,
  ...fields,
})

const p = (x: number, y: number) => ({ x, y, z: 0 })
const examples: Readonly<Record<(typeof annotationTypes)[number], unknown>> = {
  box: [p(2.5, 1.000000000000001), p(40.1, 30), 12.5],
  cube: { front_tl: p(1, 2), front_br: p(3, 4), back_tl: p(5, 6), back_br: p(7, 8), angle: null },
  cube_3d: { position: p(1, 2), scale: p(1, 1), rotation: { x: 0.1, y: -0.2, z: 1e-7 } },
  class: undefined,
  comparison: { data: [1, 2] },
  ellipse: { angle: 30, center: p(10, 20), rx: 5.5, ry: 6 },
  note: { box: [p(0, 0), p(1, 1)], note: { messages: [], status: 'open', creator: null, assignee: 'somebody' } },
  point: p(0.1 + 0.2, 1e21),
  segment: [
    [
      { x: 1, y: 2 },
      { x: 3, y: 4.000001 },
      { x: 5, y: 6 },
    ],
  ],
  polyline: [
    [
      { x: 1, y: 2 },
      { x: 1, y: 2 },
    ],
  ],
  pose: { templateId: 't', instanceId: 'i' },
  binary: 'data:image/png;base64,iVBORw0KGgo=',
  subtitle: { text: 'Füße 😀' },
  text_mark: { type: 'block', label: 'x', start: 3, end: 9 },
  gis: { geo_type: 'polygon', wgs84_geo_coordinates: [[[34.1, 31.2]]] },
  ref_semantic_3d: 'ref',
  polyline_3d: [p(1, 2)],
  text: 'free text',
  ref_image: { ref: 'https://example.com/x.png', refType: 'url', mimetype: 'image/png' },
  item_description: { text: 'about all of it' },
}

describe('an annotation', () => {
  test.each(annotationTypes)('of type %s comes back as it was sent, with exactly the keys of the SDK', async (type) => {
    const coordinates = examples[type]
    const [made] = await add(itemId, sent({ type, label: 'cat', ...(coordinates !== undefined && { coordinates }) }))
    const keys =
      'attributes coordinates createdAt creator dataset datasetId hash id item itemId label metadata source type updatedAt updatedBy url'.split(
        ' ',
      )
    expect(Object.keys(made!).sort()).toEqual(keys.filter((key) => type !== 'class' || key !== 'coordinates').sort())
    expect(made).toMatchObject({
      type,
      label: 'cat',
      source: 'sdk',
      itemId,
      datasetId: dataset.datasetId,
      creator: api.owner.email,
      updatedBy: api.owner.email,
      attributes: null,
      metadata: { system: { automated: true, attributes: {} } },
    })
    if (type !== 'class') expect(made!.coordinates).toEqual(coordinates)
    expect(made!.hash).toMatch(/^[0-9a-f]{40}$/)
    expect(made!.url).toMatch(new RegExp(`/api/v1/annotations/${made!.id}$`))
    for (const path of [
      `/annotations/${made!.id}`,
      `/datasets/${dataset.datasetId}/items/${itemId}/annotations/${made!.id}`,
    ]) {
      const got = await call('GET', path)
      expect([got.status, got.body]).toEqual([200, made])
    }
    expect((await call('DELETE', `/annotations/${made!.id}`, { json: { username: 'x' } })).status).toBe(200)
    expect((await call('GET', `/annotations/${made!.id}`)).body).toMatchObject({
      status: 404,
      code: 'annotation.not_found',
    })
  })

  test('keeps any number as it is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ noNaN: true, noDefaultInfinity: true }), async (x) => {
        const [made] = await add(itemId, sent({ type: 'point', label: 'n', coordinates: { x, y: -x, z: 0 } }))
        // JSON has no negative zero that a database would keep; they are equal.
        expect(made!.coordinates).toEqual({ x: x + 0 || 0, y: -x + 0 || 0, z: 0 })
      }),
      { numRuns: 30 },
    )
  })

  test('many at once keep their order, and ids grow with time', async () => {
    const id = dataset.idOf('dir/b.mp4')
    const labels = Array.from({ length: 100 }, (_, index) => `label ${index}`)
    const made = await add(id, ...labels.map((label) => sent({ type: 'class', label })))
    const more = await add(id, ...labels.map((label) => sent({ type: 'class', label })))
    expect(made.map((annotation) => annotation.label)).toEqual(labels)
    const ids = [...made, ...more].map((annotation) => String(annotation.id))
    expect([...ids].sort()).toEqual(ids)
    expect(new Set(ids).size).toBe(200)
    const times = [...made, ...more].map((annotation) => String(annotation.createdAt))
    expect([...times].sort()).toEqual(times)
    const listed = await call('GET', `/datasets/${dataset.datasetId}/items/${id}/annotations`)
    expect(listed.body.map((annotation: { id: string }) => annotation.id)).toEqual(ids)
    expect((await call('GET', `/items/${id}/annotations`)).body).toEqual(listed.body)
  })

  test('alone is answered alone; none is none', async () => {
    const answer = await post(itemId, sent({ type: 'class', label: 'one' }))
    expect(answer.body).toMatchObject({ label: 'one', type: 'class' })
    expect((await post(itemId, [])).body).toEqual([])
  })

  test('of a video keeps its frames, of a note its messages; description and suggestions are there when set', async () => {
    const snapshots = [{ frame: 3, label: 'x', fixed: true, data: examples.box, type: 'box', attributes: { 1: 'a' } }]
    const system = {
      frame: 0,
      startTime: 0,
      endTime: 4.2,
      endFrame: 100,
      snapshots_: snapshots,
      objectId: '7',
      parentId: null,
    }
    const [made] = await add(
      itemId,
      sent({
        type: 'box',
        label: 'x',
        coordinates: examples.box,
        metadata: { system, user: { a: 1 } },
        description: 'what',
        labelSuggestions: ['y'],
      }),
    )
    expect(made).toMatchObject({ metadata: { system, user: { a: 1 } }, description: 'what', labelSuggestions: ['y'] })
  })
})

describe('a change', () => {
  const update = async (id: unknown, json: unknown, system = true) => {
    const answer = await call('PUT', `/annotations/${id}${system ? '?system=true' : ''}`, { json })
    expect(answer.status, answer.text).toBe(200)
    return answer.body
  }

  test('merges, replaces lists, takes away by null, and tells another hash', async () => {
    const [made] = await add(
      itemId,
      sent({
        type: 'box',
        label: 'cat',
        coordinates: examples.box,
        metadata: { system: { attributes: { a: 1, b: 2 }, status: 'issue' }, user: { k: { x: 1 } } },
      }),
    )
    const changed = await update(made!.id, {
      label: 'dog',
      coordinates: [p(9, 9), p(10, 10)],
      description: 'now',
      metadata: { system: { attributes: { a: 3, b: null }, status: null }, user: { k: { y: 2 } } },
    })
    expect(changed).toMatchObject({
      id: made!.id,
      label: 'dog',
      coordinates: [p(9, 9), p(10, 10)],
      description: 'now',
      createdAt: made!.createdAt,
    })
    expect(changed.metadata).toEqual({ system: { attributes: { a: 3 } }, user: { k: { x: 1, y: 2 } } })
    expect(changed.hash).not.toBe(made!.hash)
    expect((await call('GET', `/annotations/${made!.id}`)).body).toEqual(changed)
    expect(await update(made!.id, { description: null })).not.toHaveProperty('description')
  })

  test('merges objects of coordinates, as the SDK sends a moved point', async () => {
    const [made] = await add(itemId, sent({ type: 'point', label: 'p', coordinates: p(1, 2) }))
    expect((await update(made!.id, { coordinates: { x: 5.5 } })).coordinates).toEqual({ x: 5.5, y: 2, z: 0 })
  })

  test('of metadata.system needs system=true, but for attributes and frames', async () => {
    const [made] = await add(itemId, sent({ type: 'class', label: 'p' }))
    const change = { metadata: { system: { status: 'approved', attributes: { a: 1 }, snapshots_: [] } } }
    expect((await update(made!.id, change, false)).metadata.system).toEqual({
      automated: true,
      attributes: { a: 1 },
      snapshots_: [],
    })
    expect((await update(made!.id, change)).metadata.system).toMatchObject({ status: 'approved' })
  })

  test('does not touch what is the server’s, also when all of it is sent', async () => {
    const [made] = await add(itemId, sent({ type: 'class', label: 'p' }))
    const others = {
      id: '0'.repeat(24),
      creator: 'x@y.z',
      createdAt: '2000-01-01T00:00:00.000Z',
      itemId: '1',
      datasetId: '2',
      hash: 'h',
      url: 'u',
    }
    const { updatedAt: _, ...same } = made!
    expect(await update(made!.id, { ...made, ...others })).toMatchObject(same)
  })

  test('names who made it', async () => {
    const other = await api.addUser('annotator@example.com')
    await api.join(projectId, other, 'annotator')
    const [made] = await add(itemId, sent({ type: 'class', label: 'p' }))
    const answer = await call('PUT', `/annotations/${made!.id}`, { json: { label: 'q' } }, other)
    expect(answer.body).toMatchObject({ creator: api.owner.email, updatedBy: other.email, label: 'q' })
  })

  test('that would make it malformed is refused, and nothing changes', async () => {
    const [made] = await add(itemId, sent({ type: 'point', label: 'p', coordinates: p(1, 2) }))
    for (const change of [{ coordinates: null }, { coordinates: { x: 'one' } }, { type: 'box' }, { metadata: 7 }]) {
      const answer = await call('PUT', `/annotations/${made!.id}`, { json: change })
      expect([answer.status, answer.body.code]).toEqual([400, 'annotation.invalid'])
    }
    expect((await call('GET', `/annotations/${made!.id}`)).body).toEqual(made)
  })
})

describe('what is malformed is refused', () => {
  const good = { type: 'point', label: 'p', coordinates: p(1, 2) }
  const deep = JSON.parse(`${'{"a":'.repeat(80)}1${'}'.repeat(80)}`)
  test.each([
    ['no type', { ...good, type: undefined }, 'type'],
    ['an unknown type', { ...good, type: 'blob' }, 'type'],
    ['no label', { ...good, label: undefined }, 'label'],
    ['a label that is no text', { ...good, label: 7 }, 'label'],
    ['a box without coordinates', { type: 'box', label: 'b' }, 'coordinates'],
    ['a box of one point', { type: 'box', label: 'b', coordinates: [p(1, 2)] }, 'coordinates'],
    ['a polygon with a text in it', { type: 'segment', label: 'b', coordinates: [[p(1, 2), 'x']] }, 'coordinates'],
    ['an ellipse without radius', { type: 'ellipse', label: 'b', coordinates: { center: p(1, 2) } }, 'coordinates'],
    ['a mask that is no picture', { type: 'binary', label: 'b', coordinates: 7 }, 'coordinates'],
    ['a subtitle without text', { type: 'subtitle', label: 'b', coordinates: {} }, 'coordinates'],
    ['metadata that is a list', { ...good, metadata: [] }, 'metadata'],
    ['metadata with NUL', { ...good, metadata: { user: { a: 'x\0' } } }, 'metadata'],
    ['metadata too deep', { ...good, metadata: { user: deep } }, 'metadata'],
    ['attributes that are a text', { ...good, attributes: 'x' }, 'attributes'],
  ])('%s', async (_what, annotation, field) => {
    const before = (await call('GET', `/items/${itemId}/annotations`)).body.length
    const answer = await post(itemId, [good, annotation])
    expect(answer.status).toBe(400)
    expect(answer.body.details[0].path).toBe(`body.1.${field}`)
    expect((await call('GET', `/items/${itemId}/annotations`)).body.length).toBe(before)
  })

  test('ids that are none are 400 for annotations and 404 for items', async () => {
    expect((await call('GET', '/annotations/nonsense')).status).toBe(400)
    expect((await call('GET', `/annotations/${'0'.repeat(24)}`)).status).toBe(404)
    expect((await post('nonsense', [good])).status).toBe(404)
    expect((await post(`${itemId.slice(0, 8)}0000000000000001`, [good])).body).toMatchObject({
      status: 404,
      code: 'item.not_found',
    })
  })

  test('writing into a read-only dataset', async () => {
    const other = await seedDataset(api.database.pool, ['x'], { projectId })
    const [made] = await add(other.idOf('x'), good)
    await api.database.pool.query('update dataset set is_readonly = true where dataset_no = $1', [other.datasetNo])
    for (const answer of [
      await post(other.idOf('x'), [good]),
      await call('PUT', `/annotations/${made!.id}`, { json: { label: 'q' } }),
      await call('DELETE', `/annotations/${made!.id}`),
    ])
      expect(answer.body.code).toBe('dataset.readonly')
  })
})

/** What the counters say, and what the rows say. */
async function counts(of: SeededDataset) {
  const { rows } = await api.database.pool.query(
    `select d.annotations, d.annotated,
            (select count(*) from annotation a join item i on i.dataset_no = a.dataset_no and i.item_no = a.item_no where a.dataset_no = $1) as real_annotations,
            (select count(*) from item i where i.dataset_no = $1
                and exists (select 1 from annotation a where a.dataset_no = $1 and a.item_no = i.item_no)) as real_annotated,
            (select count(*) from item i where i.dataset_no = $1
                and coalesce(i.annotations, 0) <> (select count(*) from annotation a where a.dataset_no = $1 and a.item_no = i.item_no)) as wrong_items
       from dataset d where d.dataset_no = $1`,
    [of.datasetNo],
  )
  return rows[0] as Record<string, number>
}

test('counters stay exact whoever adds, deletes, removes and restores at once', async () => {
  const keys = ['a', 'b', 'c/d', 'c/e']
  const step = fc.record({
    kind: fc.constantFrom('add', 'add', 'delete', 'remove', 'restore'),
    key: fc.constantFrom(...keys),
    count: fc.integer({ min: 1, max: 4 }),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(step, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 5 }),
      async (rounds) => {
        // Missing items, so that they can be removed as a person does.
        const of = await seedDataset(
          api.database.pool,
          keys.map((key) => ({ key, state: 1 })),
          { projectId },
        )
        const target = { datasetNo: of.datasetNo, orgId: api.orgId, ticket: 2 ** 40, nowMs: Date.now() }
        const itemNo = (key: string) => (parseItemId(of.idOf(key)) as { itemNo: string }).itemNo
        const play = async ({ kind, key, count }: { kind: string; key: string; count: number }) => {
          const one = { type: 'class', label: key }
          if (kind === 'add') return void (await post(of.idOf(key), Array(count).fill(one)))
          if (kind === 'delete') {
            const { body } = await call('GET', `/items/${of.idOf(key)}/annotations`)
            for (const { id } of Array.isArray(body) ? body.slice(0, count) : [])
              await call('DELETE', `/annotations/${id}`)
            return
          }
          // Points are not what this is about.
          await api.database.pool.query('update data_points set used = 1000 where org_id = $1', [api.orgId])
          const work = kind === 'remove' ? clearMissing : restoreItems
          await withTransaction(api.database.pool, (tx) => work(tx, target, [itemNo(key)]))
        }
        for (const round of rounds) {
          await Promise.all(round.map(play))
          const { annotations, annotated, real_annotations, real_annotated, wrong_items } = await counts(of)
          expect({ annotations, annotated, wrong_items }).toEqual({
            annotations: real_annotations,
            annotated: real_annotated,
            wrong_items: 0,
          })
        }
      },
    ),
    { numRuns: 25 },
  )
})
