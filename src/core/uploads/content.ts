import { readFile } from 'node:fs/promises'
import mime from 'mime'
import type { Caller, Deps } from '#core/deps.ts'
import { getItem, linkTarget, requireReadable } from '#core/items/items.ts'
import type { Arrived } from '#core/objects/objects.ts'
import { AppError } from '#lib/app-error.ts'
import { describePicture, PICTURE_BYTES_MAX, readPictureHead } from '#lib/pictures.ts'

/** Largest file that is looked into for a shebang, in bytes; what the SDK writes has a few hundred. */
const SHEBANG_BYTES_MAX = 4 * 1024 * 1024
/** What a link is when nothing says what it leads to. */
const LINK_TYPE = 'image/jpeg'

/** What is found out about a file besides its bytes. */
export interface Content {
  /** Content type that wins over the one of the name; null: the name's. */
  readonly mimetype: string | null
  /** `metadata` of a file that says of itself that it is a link or a prompt. */
  readonly shebang: Readonly<Record<string, unknown>> | null
  /** Size that the item shows, when that is not the file's. */
  readonly shownBytes: number | undefined
  /** What the head of a picture tells, for `metadata.system`; null for what is said to be a picture and is none; undefined for what is not. */
  readonly picture?: ReturnType<typeof describePicture> | null
}

/**
 * Finds out what a file is: a JSON file with `shebang: "dataloop"` is a link or a prompt, anything else what its name says, or, where that says nothing, what the
 * sender says. Throws `item.link_broken` for a link to an item that the caller may not read.
 */
export async function examine(
  deps: Deps,
  caller: Caller,
  file: { readonly name: string; readonly contentType: string | undefined; readonly arrived: Arrived },
): Promise<Content> {
  const shebang = await readShebang(file.name, file.arrived)
  if (shebang === null) {
    const plain = { mimetype: typeOf(file.name, file.contentType), shebang: null, shownBytes: undefined }
    const type = plain.mimetype ?? mime.getType(file.name)
    return type?.startsWith('image/') ? { ...plain, picture: await describe(file.arrived) } : plain
  }
  if (shebang.dltype !== 'link') return { mimetype: null, shebang, shownBytes: undefined }
  const link = linkTarget({ system: { shebang } })
  if (link === null) throw new AppError('item.link_broken')
  const said = (shebang.linkInfo as { mimetype?: unknown }).mimetype
  const mimetype = typeof said === 'string' && isType(said) ? said : null
  if (link.kind === 'url') {
    const path = link.url.split(/[?#]/)[0]!
    return { mimetype: mimetype ?? mime.getType(path) ?? LINK_TYPE, shebang, shownBytes: undefined }
  }
  await requireReadable(deps, caller, link.itemId)
  const { system } = (
    await getItem(deps, link.itemId, '').catch((cause) => {
      throw new AppError('item.link_broken', { cause })
    })
  ).metadata
  return { mimetype: mimetype ?? system.mimetype ?? LINK_TYPE, shebang, shownBytes: system.size }
}

/** Width and height are wanted as soon as an item is there: the SDK draws masks by them. */
async function describe({ path, sizeBytes }: Arrived): Promise<ReturnType<typeof describePicture> | null> {
  const head = sizeBytes === 0 || sizeBytes > PICTURE_BYTES_MAX ? null : await readPictureHead(path)
  return head === null ? null : describePicture(head)
}

async function readShebang(name: string, arrived: Arrived): Promise<Readonly<Record<string, unknown>> | null> {
  if (!/\.json$/i.test(name) || arrived.sizeBytes > SHEBANG_BYTES_MAX) return null
  const text = await readFile(arrived.path, 'utf8')
  if (!text.includes('"shebang"')) return null
  try {
    const { shebang, metadata } = JSON.parse(text) as { shebang?: unknown; metadata?: unknown }
    if (shebang !== 'dataloop' || typeof metadata !== 'object' || metadata === null || Array.isArray(metadata))
      return null
    // What the database could not keep is no metadata.
    return /\\u0000/.test(JSON.stringify(metadata)) ? null : (metadata as Record<string, unknown>)
  } catch {
    return null
  }
}

/** The sender's content type, where the name tells none. */
function typeOf(name: string, contentType: string | undefined): string | null {
  if (mime.getType(name) !== null || contentType === undefined) return null
  const type = contentType.split(';')[0]!.trim().toLowerCase()
  return isType(type) && type !== 'application/octet-stream' ? type : null
}

function isType(text: string): boolean {
  return /^[\w.+-]{1,100}\/[\w.+-]{1,100}$/.test(text)
}
