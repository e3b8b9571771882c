// Proves what callers of recipes and ontologies meet: shapes, labels by dotted names, attributes, who may do what, and that nothing is lost by a change.
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDefaultRecipe, sweepRecipes } from '#core/recipes/recipes.ts'
import { withTransaction } from '#db/connect.ts'
import { type Actor, type Sent, type TestApi, withApi } from '../support/api.ts'

let api: TestApi
let projectId: string
beforeAll(async () => {
  api = await withApi()
  projectId = await api.addProject('labelled')
})
afterAll(() => api.close())

const call = (method: string, path: string, json?: unknown, actor: Actor | null = api.owner) =>
  api.call(actor, method, `/api/v1${path}`, json === undefined ? {} : ({ json } satisfies Sent))

const leaf = (tag: string, more = {}) => ({
  value: { tag, attributes: [], displayLabel: null, displayData: {}, color: '#010203', ...more },
  children: [] as unknown[],
})

async function newOntology(roots: unknown[] = [], more = {}) {
  const { status, body, text } = await call('POST', '/ontologies', {
    roots,
    projectIds: [projectId],
    attributes: [],
    ...more,
  })
  expect(status, text).toBe(200)
  return body
}

async function newRecipe(more = {}) {
  const { status, body, text } = await call('POST', '/recipes', {
    title: 'r',
    projectIds: [projectId],
    ontologyIds: [],
    ...more,
  })
  expect(status, text).toBe(200)
  return body
}

test('a dataset’s default recipe is there with an empty ontology, made in the caller’s transaction', async () => {
  const id = await withTransaction(api.deps.db, (tx) =>
    createDefaultRecipe(api.deps, tx, api.owner, { projectId, datasetName: 'pets' }),
  )
  const { body: recipe } = await call('GET', `/recipes/${id}`)
  expect(recipe).toMatchObject({ title: 'pets Default Recipe', projectIds: [projectId], metadata: { system: {} } })
  const { body: ontology } = await call('GET', `/ontologies/${recipe.ontologyIds[0]}`)
  expect(ontology).toMatchObject({ roots: [], attributes: [], metadata: { system: { projectIds: [projectId] } } })
})

describe('recipes', () => {
  test('have exactly the keys the SDK compares, and creating answers what getting answers', async () => {
    const made = await newRecipe({ uiSettings: { studioV2App: true } })
    expect(Object.keys(made).sort()).toEqual(
      'createdAt creator customActions description examples id instructions metadata ontologyIds projectIds title uiSettings updatedAt updatedBy url'.split(
        ' ',
      ),
    )
    expect(made.uiSettings).toEqual({ studioV2App: true })
    expect((await call('GET', `/recipes/${made.id}`)).body).toEqual(made)
  })

  test('are changed by sending them whole; metadata.system only on request', async () => {
    const made = await newRecipe()
    const sent = { ...made, title: 'new_name', description: 'd', metadata: { system: { a: 1 }, user: { b: 2 } } }
    const plain = (await call('PATCH', `/recipes/${made.id}`, sent)).body
    expect(plain).toMatchObject({ title: 'new_name', description: 'd', metadata: { system: {}, user: { b: 2 } } })
    const system = (await call('PATCH', `/recipes/${made.id}?system=true`, sent)).body
    expect(system.metadata).toEqual({ system: { a: 1 }, user: { b: 2 } })
    expect((await call('GET', `/recipes/${made.id}`)).body).toEqual(system)
  })

  test('are listed by project, title and ontology, with the double ampersand of the SDK', async () => {
    const project = await api.addProject()
    const made = await newRecipe({ projectIds: project, title: 'of, one % project' })
    const ontology = await newOntology([], { projectIds: project })
    const other = await newRecipe({ projectIds: [project], title: 'other', ontologyIds: [ontology.id] })
    const list = async (query: string) => (await call('GET', `/recipes?${query}&&pageOffset=0&pageSize=1000`)).body
    expect(await list(`projects=${project}`)).toEqual({
      totalItemsCount: 2,
      totalPagesCount: 1,
      hasNextPage: false,
      items: [made, other],
    })
    expect((await list(`projects=${project}&title=of%2C%20one%20%25*`)).items).toEqual([made])
    expect((await list(`ontologies=${ontology.id}&projects=${project}`)).items).toEqual([other])
    const page = (await call('GET', `/recipes?projects=${project}&pageOffset=1&pageSize=1`)).body
    expect(page).toMatchObject({
      totalItemsCount: 2,
      totalPagesCount: 2,
      hasNextPage: false,
      items: [{ id: other.id }],
    })
    expect((await call('GET', `/recipes?projects=${project}&pageSize=0`)).body).toMatchObject({
      totalItemsCount: 2,
      items: [],
    })
    expect((await call('GET', `/recipes?projects=${project}&pageOffset=7&pageSize=1`)).body.totalItemsCount).toBe(2)
  })

  test('are copied with their ontologies, or share them where the copy is shallow', async () => {
    const ontology = await newOntology([leaf('a')], { title: 'o' })
    const made = await newRecipe({ ontologyIds: [ontology.id] })
    const shallow = (await call('POST', `/recipes/${made.id}/clone`, { shallow: true })).body
    expect(shallow.ontologyIds).toEqual([ontology.id])
    const deep = (await call('POST', `/recipes/${made.id}/clone`, { shallow: false })).body
    expect(deep).toMatchObject({ title: 'r', projectIds: [projectId] })
    expect(deep.ontologyIds).not.toEqual([ontology.id])
    const copy = (await call('GET', `/ontologies/${deep.ontologyIds[0]}`)).body
    expect(copy).toMatchObject({ title: 'o', roots: [leaf('a')] })
    await call('PATCH', `/ontologies/${copy.id}/labels`, { labelsNode: [{ tag: 'b' }], upsert: true })
    expect((await call('GET', `/ontologies/${ontology.id}`)).body.roots).toHaveLength(1)
  })

  test('that a dataset has are deleted only with force, and then the dataset has them no more', async () => {
    const made = await newRecipe()
    const dataset = (
      await call('POST', '/datasets', { name: `uses ${made.id}`, projects: [projectId], createDefaultRecipe: false })
    ).body
    await call('PATCH', `/datasets/${dataset.id}?system=true`, {
      metadata: { system: { recipes: [made.id], kept: 1 } },
    })
    const refused = await call('DELETE', `/recipes/${made.id}`)
    expect({ status: refused.status, code: refused.body.code }).toEqual({ status: 400, code: 'recipe.in_use' })
    expect((await call('DELETE', `/recipes/${made.id}?force=true`)).status).toBe(200)
    expect((await call('GET', `/recipes/${made.id}`)).status).toBe(404)
    expect((await call('GET', `/datasets/${dataset.id}`)).body.metadata.system).toMatchObject({ recipes: [], kept: 1 })
  })

  test('keep an ontology that is added and lose one that was deleted, also when the SDK still names it', async () => {
    const [first, second] = [await newOntology(), await newOntology()]
    const made = await newRecipe({ ontologyIds: [first.id] })
    await call('DELETE', `/ontologies/${first.id}`)
    expect((await call('GET', `/recipes/${made.id}`)).body.ontologyIds).toEqual([])
    const changed = await call('PATCH', `/recipes/${made.id}`, { ...made, ontologyIds: [first.id, second.id] })
    expect(changed.body.ontologyIds).toEqual([second.id])
    expect((await call('PATCH', `/recipes/${made.id}`, { ontologyIds: ['some_id'] })).status).toBe(404)
  })
})

describe('ontologies', () => {
  test('give labels and old attributes back as they came, whatever their kind', async () => {
    const roots = [
      { value: { tag: 'father', color: '#ffffff', attributes: ['x'], own: { kept: 1.5 } }, children: [leaf('child')] },
    ]
    const made = await newOntology(roots, { attributes: "['attr1', 'attr2']", projectIds: projectId })
    expect(made.roots).toEqual(roots)
    expect(made.attributes).toBe("['attr1', 'attr2']")
    expect((await call('GET', `/ontologies/${made.id}`)).body).toEqual(made)
  })

  test('answer ids that are none with 400, deleted ones with 404, foreign projects with 403', async () => {
    for (const method of ['GET', 'DELETE']) expect((await call(method, '/ontologies/some_id')).status).toBe(400)
    const made = await newOntology()
    expect((await call('DELETE', `/ontologies/${made.id}`)).status).toBe(200)
    expect((await call('GET', `/ontologies/${made.id}`)).status).toBe(404)
    const foreign = await api.addOrg('Foreign')
    const theirs = (await api.call(foreign.owner, 'POST', '/api/v1/projects', { form: { name: 'theirs' } })).body.id
    for (const id of ['some_project_id', '0123456789abcdef01234567', theirs]) {
      const { status, body } = await call('POST', '/ontologies', { roots: [], projectIds: [id], attributes: [] })
      expect({ status, code: body.code }).toEqual({ status: 403, code: 'access.forbidden' })
    }
    expect((await call('POST', '/ontologies', { roots: [], projectIds: null })).status).toBe(400)
  })

  test('are changed by sending them whole; metadata.system only on request, and never the projects', async () => {
    const made = await newOntology([leaf('a')])
    const sent = { ...made, labels: [{ tag: 'ignored' }], roots: [leaf('b')], attributes: ['attr1'], title: 't' }
    sent.metadata = { system: { something: 'value', projectIds: [] }, user: { u: 1 } }
    const plain = (await call('PUT', `/ontologies/${made.id}`, sent)).body
    expect(plain).toMatchObject({ title: 't', roots: [leaf('b')], attributes: ['attr1'] })
    expect(plain.metadata).toEqual({ system: { projectIds: [projectId] }, user: { u: 1 } })
    const system = (await call('PUT', `/ontologies/${made.id}?system=true`, sent)).body
    expect(system.metadata.system).toEqual({ something: 'value', projectIds: [projectId] })
  })

  test('are listed by project and id', async () => {
    const project = await api.addProject()
    const one = await newOntology([], { projectIds: [project] })
    const two = await newOntology([], { projectIds: [project] })
    const list = async (query: string) =>
      (await call('GET', `/ontologies?pageOffset=0&pageSize=1000&${query}`)).body.items
    expect(await list(`projects=${project}`)).toEqual([one, two])
    expect(await list(`projects=${project}&ids=${two.id}`)).toEqual([two])
    expect(await list('projects=0123456789abcdef01234567')).toEqual([])
  })

  test('of several projects are seen from each, and changed by developers of any', async () => {
    const second = await api.addProject()
    const developer = await api.addUser('second-developer@example.com', 'member')
    await api.join(second, developer, 'engineer')
    const made = await newOntology([], { projectIds: [projectId, second] })
    expect((await call('GET', `/ontologies/${made.id}`, undefined, developer)).body.metadata.system.projectIds).toEqual(
      [projectId, second],
    )
    expect(
      (await call('PATCH', `/ontologies/${made.id}/labels`, { labelsNode: [{ tag: 'x' }], upsert: true }, developer))
        .status,
    ).toBe(200)
  })
})

test('recipes and ontologies go with their last project, and their rows are swept', async () => {
  const [only, shared] = [await api.addProject(), await api.addProject()]
  const gone = await newRecipe({
    projectIds: [only],
    ontologyIds: [(await newOntology([], { projectIds: [only] })).id],
  })
  const stays = await newRecipe({ projectIds: [only, shared] })
  await api.call(api.owner, 'DELETE', `/api/v1/projects/${only}`)
  expect((await call('GET', `/recipes/${gone.id}`)).status).toBe(404)
  await sweepRecipes(api.deps.db)
  const { rows } = await api.deps.db.query(
    'select id from recipe where id = any($1) union all select id from ontology where id = any($1)',
    [[gone.id, stays.id, ...gone.ontologyIds]],
  )
  expect(rows).toEqual([{ id: stays.id }])
  expect((await call('GET', `/recipes/${stays.id}`)).body.projectIds).toEqual([shared])
})

describe('labels', () => {
  const put = (id: string, labelsNode: unknown[], upsert = true) =>
    call('PATCH', `/ontologies/${id}/labels`, { labelsNode, upsert })

  test('get their missing parents, a colour, and the rest of the shape', async () => {
    const { id } = await newOntology()
    const { body } = await put(id, [
      { tag: 'Shark' },
      { tag: 'Animal.Donkey', color: '#0a0b0c', displayLabel: 'D', displayData: {} },
    ])
    const color = expect.stringMatching(/^#[0-9a-f]{6}$/)
    const empty = { attributes: [], displayLabel: null, displayData: {} }
    expect(body.roots).toEqual([
      { value: { tag: 'Shark', color, ...empty }, children: [] },
      {
        value: { tag: 'Animal', color, ...empty },
        children: [{ value: { tag: 'Donkey', ...empty, color: '#0a0b0c', displayLabel: 'D' }, children: [] }],
      },
    ])
    expect((await put(id, [{ tag: 'Shark' }])).body.roots).toEqual(body.roots)
  })

  test('keep what a change does not name, also the icon, which the SDK sends empty', async () => {
    const icon = { displayImage: { itemId: 'i', datasetId: 'd' } }
    const { id } = await newOntology([leaf('a', { displayData: icon, attributes: ['x'], displayLabel: 'A' })])
    const { body } = await put(id, [{ tag: 'a', color: '#ffffff', displayData: {} }], false)
    expect(body.roots[0].value).toEqual({
      tag: 'a',
      attributes: ['x'],
      displayLabel: 'A',
      displayData: icon,
      color: '#ffffff',
    })
  })

  test('that are unknown are refused without upsert, and then nothing is changed', async () => {
    const { id } = await newOntology([leaf('a')])
    const { status, body } = await put(id, [{ tag: 'a', color: '#ffffff' }, { tag: 'a.b' }], false)
    expect({ status, code: body.code }).toEqual({ status: 404, code: 'ontology.label_not_found' })
    expect(body.message).toContain('a.b')
    expect((await call('GET', `/ontologies/${id}`)).body.roots).toEqual([leaf('a')])
  })

  test('are refused with their place when they are malformed, too long or too deep', async () => {
    const { id } = await newOntology()
    const deep = (levels: number) => Array.from({ length: levels }, (_, n) => `l${n}`).join('.')
    for (const tag of ['', 'a..b', '.a', 'x'.repeat(2_000), deep(17)]) {
      const { status, body } = await put(id, [{ tag }])
      expect(status, tag.slice(0, 40)).toBe(400)
      expect(JSON.stringify(body.details)).toContain('labelsNode')
    }
    expect((await put(id, [{ tag: deep(16) }])).status).toBe(200)
    expect((await call('POST', '/ontologies', { roots: [{ value: {} }], projectIds: [projectId] })).status).toBe(400)
  })

  test('nested however deep in a request are a 400, never a 500', async () => {
    for (const levels of [100, 20_000]) {
      const roots = `${'[{"value":{"tag":"a"},"children":'.repeat(levels)}[]${'}]'.repeat(levels)}`
      const payload = `{"projectIds":["${projectId}"],"roots":${roots}}`
      const answer = await api.call(api.owner, 'POST', '/api/v1/ontologies', {
        payload,
        contentType: 'application/json',
      })
      expect(answer.status, answer.text.slice(0, 200)).toBe(400)
    }
  })

  test('added at once by many are all there', async () => {
    const { id } = await newOntology()
    await Promise.all(Array.from({ length: 8 }, (_, n) => put(id, [{ tag: `parent.${n}` }])))
    const { roots } = (await call('GET', `/ontologies/${id}`)).body
    expect(roots).toHaveLength(1)
    expect(roots[0].children).toHaveLength(8)
  })
})

describe('attributes', () => {
  const put = (id: string, items: unknown[], upsert = true) =>
    call('PATCH', `/ontologies/${id}/attributes`, { items, upsert })
  const check = { title: 'test1', key: '1', type: 'options', multi: true, values: ['a', 'b'], scope: ['*'] }

  test('of every type are read back under metadata.attributes with the title in scriptData', async () => {
    const { id, metadata } = await newOntology()
    expect(metadata).not.toHaveProperty('attributes')
    await put(id, [check])
    await put(id, [
      { title: 'test3', key: '3', type: 'range', scope: ['*'], range: { min: 0, max: 10, step: 1 }, optional: false },
    ])
    await put(id, [{ title: 'test4', key: '4', type: 'boolean' }])
    expect((await call('GET', `/ontologies/${id}`)).body.metadata.attributes).toEqual([
      { key: '1', type: 'options', multi: true, values: ['a', 'b'], scope: ['*'], scriptData: { title: 'test1' } },
      {
        key: '3',
        type: 'range',
        scope: ['*'],
        range: { min: 0, max: 10, step: 1 },
        optional: false,
        scriptData: { title: 'test3', optional: false },
      },
      { key: '4', type: 'boolean', scope: ['*'], scriptData: { title: 'test4' } },
    ])
    expect((await call('DELETE', `/ontologies/${id}/attributes`, { keys: ['1', '3', '4', 'unknown'] })).status).toBe(
      200,
    )
    expect((await call('GET', `/ontologies/${id}`)).body.metadata.attributes).toEqual([])
  })

  test('with the same key are changed, and refused without upsert', async () => {
    const { id } = await newOntology()
    await put(id, [check])
    const { body } = await put(id, [{ title: 'renamed', key: '1', type: 'options' }])
    expect(body.metadata.attributes).toEqual([
      { key: '1', type: 'options', multi: true, values: ['a', 'b'], scope: ['*'], scriptData: { title: 'renamed' } },
    ])
    expect((await put(id, [check], false)).status).toBe(400)
  })

  test('with faults are refused: choices that are no texts, a slider without a range, an unknown type', async () => {
    const { id } = await newOntology()
    for (const item of [
      { ...check, values: [1] },
      { title: 't', key: 'k', type: 'range' },
      { title: 't', key: 'k', type: 'range', range: { min: 2, max: 1, step: 1 } },
      { ...check, type: 'slider' },
      { ...check, title: '' },
    ]) {
      expect((await put(id, [item])).status, JSON.stringify(item)).toBe(400)
    }
  })

  test('survive a script that changes labels with a copy from before they were there', async () => {
    const before = await newOntology([leaf('a')])
    await put(before.id, [check])
    const { body } = await call('PUT', `/ontologies/${before.id}`, { ...before, roots: [] })
    expect(body.metadata.attributes).toHaveLength(1)
    // Where there are attributes of today, the SDK sends them as the old ones too; they do not become old ones.
    const again = await call('PUT', `/ontologies/${before.id}`, { ...body, attributes: body.metadata.attributes })
    expect(again.body.attributes).toEqual([])
  })
})

describe('roles', () => {
  test('annotators see and developers change; strangers are told that there is nothing', async () => {
    const ontology = await newOntology()
    const recipe = await newRecipe({ ontologyIds: [ontology.id] })
    const annotator = await api.addUser('labels-annotator@example.com', 'worker')
    await api.join(projectId, annotator, 'annotator')
    const stranger = (await api.addOrg('Strange')).owner
    const writes: [string, string, unknown][] = [
      ['PATCH', `/recipes/${recipe.id}`, {}],
      ['DELETE', `/recipes/${recipe.id}`, undefined],
      ['POST', `/recipes/${recipe.id}/clone`, {}],
      ['PUT', `/ontologies/${ontology.id}`, {}],
      ['DELETE', `/ontologies/${ontology.id}`, undefined],
      ['PATCH', `/ontologies/${ontology.id}/labels`, { labelsNode: [] }],
      ['PATCH', `/ontologies/${ontology.id}/attributes`, { items: [{ title: 't', key: 'k', type: 'boolean' }] }],
      ['DELETE', `/ontologies/${ontology.id}/attributes`, { keys: [] }],
    ]
    for (const path of [`/recipes/${recipe.id}`, `/ontologies/${ontology.id}`]) {
      expect((await call('GET', path, undefined, annotator)).status).toBe(200)
      expect((await call('GET', path, undefined, stranger)).status).toBe(404)
    }
    for (const [method, path, body] of writes) {
      expect((await call(method, path, body, annotator)).status, `${method} ${path}`).toBe(403)
      expect((await call(method, path, body, stranger)).status, `${method} ${path}`).toBe(404)
    }
    for (const path of ['/recipes', '/ontologies']) {
      expect((await call('POST', path, { projectIds: [projectId] }, annotator)).status).toBe(403)
      expect((await call('GET', path, undefined, stranger)).body.items).toEqual([])
    }
    expect((await call('PATCH', `/recipes/${recipe.id}`, { projectIds: [] })).status).toBe(400)
  })
})

test('whatever labels are put in whatever order, each is found once, and putting them again changes nothing', async () => {
  const name = fc
    .array(fc.constantFrom('a', 'b', 'ü', '😀', 'a b'), { minLength: 1, maxLength: 3 })
    .map((parts) => parts.join('.'))
  await fc.assert(
    fc.asyncProperty(fc.array(name, { maxLength: 6 }), async (names) => {
      const { id } = await newOntology()
      const put = () =>
        call('PATCH', `/ontologies/${id}/labels`, { labelsNode: names.map((tag) => ({ tag })), upsert: true })
      const { roots } = (await put()).body
      const flat: string[] = []
      const walk = (level: typeof roots, parents: string) => {
        for (const { value, children } of level) {
          flat.push(parents + value.tag)
          walk(children, `${parents}${value.tag}.`)
        }
      }
      walk(roots, '')
      const wanted = names.flatMap((one) => one.split('.').map((_, n, parts) => parts.slice(0, n + 1).join('.')))
      expect(flat.sort()).toEqual([...new Set(wanted)].sort())
      expect((await put()).body.roots).toEqual(roots)
    }),
    { numRuns: 25 },
  )
})
