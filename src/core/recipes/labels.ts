import { createHash } from 'node:crypto'
import type { LabelNode, LabelRoot, LabelValue } from '#contract/ontologies.ts'
import { AppError } from '#lib/app-error.ts'

/** Labels in one ontology, at all levels together. */
export const LABELS_MAX = 20_000
/** Levels of labels inside one another. */
export const LEVELS_MAX = 16
/** Characters in the name of one label, without its parents'. */
export const TAG_LENGTH_MAX = 1_024

/**
 * Checks a tree of labels against the limits, so that what is stored can be walked and shown.
 *
 * `place` is where the tree stands in the request. Throws `ontology.invalid` with the place of the first fault.
 */
export function checkRoots(roots: readonly LabelRoot[], place = 'roots'): void {
  // A list of its own instead of recursion: the nesting is the caller's and may be deep.
  const rest = roots.map((root, n) => ({ root, level: 1, at: `${place}.${n}` }))
  let count = 0
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    const { root, level, at } = next
    if (++count > LABELS_MAX) throw wrong(place, `more than ${LABELS_MAX} labels`)
    if (level > LEVELS_MAX) throw wrong(at, `labels inside one another at more than ${LEVELS_MAX} levels`)
    if (root.value.tag.length > TAG_LENGTH_MAX)
      throw wrong(`${at}.value.tag`, `longer than ${TAG_LENGTH_MAX} characters`)
    for (const [n, child] of (root.children ?? []).entries()) {
      rest.push({ root: child, level: level + 1, at: `${at}.children.${n}` })
    }
  }
}

/**
 * Puts labels into a tree: each is named by its full, dotted name. Known ones get what is given, and keep the rest; unknown ones are added at the end of
 * their level together with the parents that are missing. Answers a new tree.
 *
 * Where `upsert` is false an unknown label is refused with `ontology.label_not_found` and nothing is changed.
 */
export function putLabels(roots: readonly LabelRoot[], nodes: readonly LabelNode[], upsert: boolean): LabelRoot[] {
  const tree = structuredClone(roots) as MutableRoot[]
  for (const [n, node] of nodes.entries()) {
    const { tag, ...given } = node
    if (tag.split('.').includes('')) throw wrong(`labelsNode.${n}.tag`, 'a label or one of its parents has no name')
    const found = findLabel(tree, tag)
    if (found !== null) {
      found.value = mergeValue(found.value, given)
      continue
    }
    if (!upsert) {
      throw new AppError('ontology.label_not_found', {
        message: `The ontology has no label “${tag}”; add it first, or update with upsert.`,
        details: [{ path: `labelsNode.${n}.tag`, message: 'there is no such label' }],
      })
    }
    addLabel(tree, tag, given)
  }
  checkRoots(tree, 'labelsNode')
  return tree
}

interface MutableRoot {
  value: LabelValue
  children?: MutableRoot[] | null | undefined
}

/** A stored tag may have dots itself, so at each level the whole rest of the name is looked for before its first part. */
function findLabel(level: MutableRoot[], name: string): MutableRoot | null {
  const whole = level.find(({ value }) => value.tag === name)
  if (whole !== undefined) return whole
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
    const parent = level.find(({ value }) => value.tag === name.slice(0, dot))
    const found = parent === undefined ? null : findLabel(parent.children ?? [], name.slice(dot + 1))
    if (found !== null) return found
  }
  return null
}

function addLabel(roots: MutableRoot[], name: string, given: Partial<LabelValue>): void {
  const parts = name.split('.')
  if (parts.length > LEVELS_MAX) {
    throw wrong('labelsNode', `labels inside one another at more than ${LEVELS_MAX} levels`)
  }
  let level = roots
  for (const [n, tag] of parts.entries()) {
    let node = level.find(({ value }) => value.tag === tag)
    if (node === undefined) {
      node = { value: newValue(tag, parts.slice(0, n + 1).join('.')), children: [] }
      level.push(node)
    }
    if (n === parts.length - 1) node.value = mergeValue(node.value, given)
    node.children ??= []
    level = node.children
  }
}

function newValue(tag: string, name: string): LabelValue {
  return { tag, color: colorOf(name), attributes: [], displayLabel: null, displayData: {} }
}

/** What is not given stays; of the display data each part by itself, because the SDK sends an empty one with every change. */
function mergeValue(value: LabelValue, given: Partial<LabelValue>): LabelValue {
  const { displayData, ...rest } = given
  const known = Object.fromEntries(Object.entries(rest).filter(([, part]) => part !== undefined && part !== null))
  return {
    ...value,
    ...known,
    ...(displayData && { displayData: { ...(value.displayData ?? {}), ...displayData } }),
  }
}

/** The colour of a label nobody gave one: always the same for a name, so that a request that is repeated changes nothing. */
export function colorOf(name: string): string {
  return `#${createHash('sha256').update(name).digest('hex').slice(0, 6)}`
}

function wrong(path: string, message: string): AppError {
  return new AppError('ontology.invalid', {
    message: `Labels are described wrongly: ${message}.`,
    details: [{ path, message }],
  })
}
