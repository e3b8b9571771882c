import { type Fragment, raw } from './query/fragment.ts'

/**
 * A folder's path as the API writes it: `/` for the root, `/a/b` for `a/b/`.
 *
 * Folders whose path is only slashes keep them all (`/` is `//`), because leaving the last one off would give the root twice.
 */
export function dirText(path: string): string {
  return /^\/*$/.test(path) ? `/${path}` : `/${path.slice(0, -1)}`
}

/** The path in the table for a folder as the API writes it; the inverse of `dirText`. A missing first slash is added: no path can lack it. */
export function pathOfDir(text: string): string {
  const full = text.startsWith('/') ? text : `/${text}`
  return /^\/*$/.test(full) ? full.slice(1) : `${full.slice(1)}/`
}

/** SQL for `dirText` of the folder row with the given alias. */
export function dirTextSql(alias: string): Fragment {
  return raw(
    `(case when ltrim(${alias}.path, '/') = '' then '/' || ${alias}.path else '/' || left(${alias}.path, -1) end)`,
  )
}

/** Folder path and name of a full path (`filename`); a missing first slash is added. The inverse of `'/' + path + name`. */
export function splitFilename(filename: string): { path: string; name: string } {
  const full = filename.startsWith('/') ? filename : `/${filename}`
  const slash = full.lastIndexOf('/')
  return { path: full.slice(1, slash + 1), name: full.slice(slash + 1) }
}

/** Path of the folder that holds a folder; null for the root. */
export function parentPath(path: string): string | null {
  return path === '' ? null : path.slice(0, path.slice(0, -1).lastIndexOf('/') + 1)
}

/**
 * The first text after all texts that start with `prefix`, in byte order (collation "C"); null when there is none.
 *
 * Code points and UTF-8 bytes have the same order, so raising the last code point is enough; surrogates are no code points and are left out.
 */
export function afterPrefix(prefix: string): string | null {
  const points = Array.from(prefix)
  while (points.length > 0) {
    const last = points.pop()!.codePointAt(0)!
    if (last < 0x10ffff) return points.join('') + String.fromCodePoint(last === 0xd7ff ? 0xe000 : last + 1)
  }
  return null
}
