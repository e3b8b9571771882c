import { afterPrefix, dirTextSql, pathOfDir, splitFilename } from '../paths.ts'
import { type Compiled, folderOnly } from './compiled.ts'
import { refuse, type Scalar, type Test } from './condition.ts'
import { allOf, anyOf, type Fragment, type Predicate, raw, sql } from './fragment.ts'
import {
  type GlobPiece,
  hasWildcard,
  likeText,
  literalPrefix,
  parseGlob,
  toLike,
  toRegex,
  WILDCARDS_MAX,
} from './glob.ts'
import { orderText } from './text.ts'
import { isOrdering, many, one, textOf } from './values.ts'

// Tests of where an item or a folder is. Folders are few against items and have an index on their path; so whatever a pattern says about folders is
// said about the folder row, as an exact path or a range of paths where it can be, and items are found through (folder, name).

const path = raw('d.path')

/** `dir` of an item: the folder it is in; `*` crosses `/`. */
export function itemDir(test: Test): Predicate {
  if (test.op === '$exists') return test.value === true
  if (test.op === '$in') return pathsAnyOf(many(test))
  const operand = one(test)
  if (operand === null && test.op === '$eq') return false
  const value = textOf(operand, test.place)
  if (isOrdering(test.op)) return sql`${dirTextSql('d')} ${raw(orderText[test.op])} ${value}::text collate "C"`
  if (!hasWildcard(value)) return pathsAnyOf([value])
  const pieces = patternPieces(value.startsWith('*') || value.startsWith('/') ? value : `/${value}`, 'flat', test.place)
  const like = toLike(pieces)!
  return /^%+$/.test(like)
    ? true
    : allOf([pathRange(literalPrefix(pieces).slice(1)), sql`${dirTextSql('d')} like ${like}::text`])
}

/** `dir` of a folder: the folder above it. */
export function dirParent(test: Test, datasetNo: number): Predicate {
  const condition = itemDir(test)
  if (typeof condition === 'boolean') return condition
  return sql`d.parent_no in (select d.dir_no from dir d where d.dataset_no = ${datasetNo}::int and ${condition})`
}

/** Folders by what the API calls them. */
function pathsAnyOf(texts: readonly Scalar[]): Predicate {
  const paths = texts.filter((text) => text !== null).map((text) => pathOfDir(String(text)))
  if (paths.length === 0) return false
  return paths.length === 1 ? sql`d.path = ${paths[0]}::text` : sql`d.path = any(${paths}::text[])`
}

/** `filename` of a folder: its own full path. */
export function dirFilename(test: Test): Predicate {
  if (test.op === '$exists') return test.value === true
  if (test.op === '$in') {
    const texts = many(test).filter((value) => value !== null)
    const patterns = texts.map(String).filter((text) => text.endsWith('/**'))
    if (patterns.length > LISTED_FOLDERS_MAX) refuse(test.place, `at most ${LISTED_FOLDERS_MAX} folders`)
    return anyOf([pathsAnyOf(texts), ...patterns.map((pattern) => dirPattern(pattern, test.place))])
  }
  const operand = one(test)
  if (operand === null && test.op === '$eq') return false
  const value = textOf(operand, test.place)
  if (isOrdering(test.op)) return sql`${dirTextSql('d')} ${raw(orderText[test.op])} ${value}::text collate "C"`
  return hasWildcard(value) ? dirPattern(value, test.place) : pathsAnyOf([value])
}

function dirPattern(pattern: string, place: string): Predicate {
  const pieces = patternPieces(rooted(pattern), 'path', place)
  return allOf([pathRange(literalPrefix(pieces).slice(1)), matchText(dirTextSql('d'), pieces)])
}

/** `filename` of an item: folder and name together, with the folder's part split off wherever the pattern allows it. */
export function itemFilename(test: Test): Compiled {
  if (test.op === '$exists') return folderOnly(test.value === true)
  const text = sql`'/' || d.path || i.name`
  if (test.op === '$in') {
    const filenames = many(test)
      .filter((value) => value !== null)
      .map(String)
    return either([filenameAnyOf(filenames), ...foldersOf(test, filenames)])
  }
  const operand = one(test)
  if (operand === null && test.op === '$eq') return folderOnly(false)
  const value = textOf(operand, test.place)
  if (isOrdering(test.op)) return mixed(sql`(${text}) ${raw(orderText[test.op])} ${value}::text collate "C"`, true)
  if (!hasWildcard(value)) return filenameAnyOf([value])
  return filenamePattern(rooted(value), test.place)
}

/** The SDK puts the end of a pattern behind each folder that it sends in a list of names; every other value of a list is a name to the letter. */
function foldersOf(test: Test, filenames: readonly string[]): Compiled[] {
  const patterns = filenames.filter((filename) => filename.endsWith('/**'))
  if (patterns.length > LISTED_FOLDERS_MAX) refuse(test.place, `at most ${LISTED_FOLDERS_MAX} folders`)
  return patterns.map((pattern) => filenamePattern(rooted(pattern), test.place))
}

/** Most folders of one list that are searched with all below them. */
const LISTED_FOLDERS_MAX = 500

function either(of: readonly Compiled[]): Compiled {
  if (of.length === 1) return of[0]!
  const where = anyOf(of.map((part) => part.where))
  if (typeof where === 'boolean') return folderOnly(where)
  return { ...mixed(where, anyOf(of.map((part) => part.folder))), isFolderOnly: of.every((part) => part.isFolderOnly) }
}

function filenameAnyOf(filenames: readonly string[]): Compiled {
  if (filenames.length === 0) return folderOnly(false)
  const split = filenames.map(splitFilename)
  if (split.length === 1) {
    const folder = sql`d.path = ${split[0]!.path}::text`
    return mixed(sql`(${folder} and i.name = ${split[0]!.name}::text)`, folder)
  }
  const paths = split.map((each) => each.path)
  const names = split.map((each) => each.name)
  return mixed(
    sql`(d.path, i.name) in (select * from unnest(${paths}::text[], ${names}::text[]))`,
    sql`d.path = any(${[...new Set(paths)]}::text[])`,
  )
}

function filenamePattern(pattern: string, place: string): Compiled {
  const pieces = patternPieces(pattern, 'path', place)
  const slash = pattern.lastIndexOf('/')
  const head = pattern.slice(0, slash + 1)
  const tail = pattern.slice(slash + 1)
  if (head !== '' && /^\*\*+$/.test(tail)) return folderOnly(below(head))
  if (head !== '' && !tail.includes('**')) {
    const folder = folderIs(head)
    if (tail === '*') return folderOnly(folder)
    const name = hasWildcard(tail)
      ? sql`i.name like ${toLike(parseGlob(tail, 'flat'))}::text`
      : sql`i.name = ${tail}::text`
    return mixed(allOf([folder, name]), folder)
  }
  if (pieces.every((piece) => piece.kind === 'any')) return folderOnly(true)
  const prefix = literalPrefix(pieces).slice(1)
  const above = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  const folder = prefix === '' ? true : anyOf([pathRange(prefix), sql`d.path = ${above}::text`])
  return mixed(allOf([folder, matchText(sql`('/' || d.path || i.name)`, pieces)]), folder)
}

function mixed(where: Predicate, folder: Predicate): Compiled {
  if (typeof where === 'boolean') return folderOnly(where)
  return { where, folder, isFolderOnly: false, usesDir: true }
}

/** Folders in or below which everything is, for a pattern `head` + `**`; the head ends in a slash, which can only be one of the path's. */
function below(head: string): Predicate {
  if (!hasWildcard(head)) return pathRange(head.slice(1))
  return headMatches([...parseGlob(head, 'path'), { kind: 'any' }])
}

/** The folder whose path with its slashes is the pattern `head`. */
function folderIs(head: string): Predicate {
  if (!hasWildcard(head)) return sql`d.path = ${head.slice(1)}::text`
  const pieces = parseGlob(head, 'path')
  const [first, second] = pieces
  if (first?.kind === 'text' && second?.kind === 'dirs' && pieces.length === 2) return pathRange(first.text.slice(1))
  if (pieces.every((piece) => piece.kind === 'text' || piece.kind === 'part')) {
    // With as many slashes as the pattern has of its own, no wildcard can hold one; so LIKE is exact.
    const like = pieces
      .map((piece) => (piece.kind === 'text' ? likeText(piece.text) : '%'))
      .join('')
      .slice(1)
    const slashes = like.length - like.replaceAll('/', '').length
    const isDepth = sql`length(d.path) - length(replace(d.path, '/', '')) = ${slashes}::int`
    return allOf([pathRange(literalPrefix(pieces).slice(1)), isDepth, sql`d.path like ${like}::text`])
  }
  return headMatches(pieces)
}

function headMatches(pieces: readonly GlobPiece[]): Predicate {
  if (pieces.every((piece) => piece.kind === 'dirs' || piece.kind === 'any')) return true
  return allOf([pathRange(literalPrefix(pieces).slice(1)), matchText(sql`('/' || d.path)`, pieces)])
}

function matchText(text: Fragment, pieces: readonly GlobPiece[]): Predicate {
  const like = toLike(pieces)
  return like === null ? sql`${text} ~ ${toRegex(pieces)}::text` : sql`${text} like ${like}::text`
}

/** Folders whose path starts with a text: a range that the index on paths serves. */
export function pathRange(prefix: string): Predicate {
  if (prefix === '') return true
  const end = afterPrefix(prefix)
  const from = sql`${path} >= ${prefix}::text collate "C"`
  return end === null ? from : sql`(${from} and ${path} < ${end}::text collate "C")`
}

/**
 * A pattern with the slash that every full path starts with. A pattern that starts with a single star has its slash inside the star: alone it
 * means a name anywhere, with folders behind it a folder of the first level.
 */
function rooted(pattern: string): string {
  if (pattern.startsWith('/') || pattern.startsWith('**')) return pattern
  if (pattern.startsWith('*') && !pattern.includes('/')) return `**/${pattern}`
  return `/${pattern}`
}

function patternPieces(pattern: string, mode: 'path' | 'flat', place: string): readonly GlobPiece[] {
  const pieces = parseGlob(pattern, mode)
  if (pieces.filter((piece) => piece.kind !== 'text').length > WILDCARDS_MAX)
    refuse(place, `at most ${WILDCARDS_MAX} wildcards`)
  return pieces
}
