import { z } from 'zod'
import { id, isoTime, storableText } from './fields.ts'
import { route } from './route.ts'
import { type SkipReason, skipReasons } from './skip-reasons.ts'

/** An item with exactly the keys that the vendor's SDK compares; `description`, `spec` and `srcItem` are there only when they are set. */
export const Item = z.object({
  id: z.string(),
  name: z.string().describe('Last part of the path.'),
  dir: z.string().describe('Folder, with a slash at its start: `/` or `/a/b`.'),
  filename: z.string().describe('Full path: a slash and the key without the driver’s folder.'),
  type: z.enum(['file', 'dir']),
  hidden: z.boolean().describe('A part of the path starts with a dot.'),
  metadata: z.looseObject({
    system: z.looseObject({
      size: z.number().optional().describe('Bytes.'),
      mimetype: z.string().optional(),
      originalname: z.string().optional(),
      encoding: z.string().optional(),
      storage: z
        .object({
          driverId: z.string().nullable(),
          bucket: z.string().nullable(),
          key: z.string(),
          etag: z.string(),
          modified: isoTime.nullable(),
          state: z
            .enum(['available', 'missing', 'archived', 'excluded'])
            .describe('Missing: gone from the storage. Excluded: there, but kept out by the dataset’s patterns.'),
          addressable: z.boolean().describe('False: the key has a “.” or “..” part, and no address is made for it.'),
          missingSince: isoTime.optional().describe('When the file was found to be gone; only of missing items.'),
          changedInStorage: z
            .literal(true)
            .optional()
            .describe('The file’s content changed in the storage since somebody last said that they know.'),
        })
        .optional(),
      artifact: z
        .looseObject({ digest: z.string(), mediaType: z.string(), size: z.number() })
        .optional()
        .describe(
          'What a container registry says of the file, when one item is asked for: digest, media type, size, and of a manifest its layers or further manifests.',
        ),
    }),
  }),
  creator: z.string(),
  createdAt: isoTime,
  updatedAt: isoTime,
  updatedBy: z.string(),
  datasetId: z.string(),
  annotated: z.boolean(),
  annotationsCount: z.number(),
  url: z.string(),
  stream: z.string(),
  thumbnail: z.string(),
  annotations: z.string(),
  dataset: z.string(),
  description: z.string().optional(),
  srcItem: z.string().optional().describe('Id of the item this one was cloned from.'),
})
export type Item = z.output<typeof Item>

/** A page of items by number, as the SDK pages. */
export const ItemPage = z.object({
  totalItemsCount: z.number().describe('Exact unless totalIsEstimate is there.'),
  totalPagesCount: z.number(),
  hasNextPage: z.boolean().describe('Always exact.'),
  items: z.array(Item),
  totalIsEstimate: z.literal(true).optional(),
})
export type ItemPage = z.output<typeof ItemPage>

/** A folder with its counters: `items` and `bytes` of its own, `deepItems` and `deepBytes` with everything below. */
export const Folder = z.object({
  id: z.string(),
  name: z.string(),
  dir: z.string(),
  filename: z.string(),
  hidden: z.boolean(),
  items: z.number(),
  bytes: z.number(),
  deepItems: z.number(),
  deepBytes: z.number(),
})
export type Folder = z.output<typeof Folder>

/** One folder of the tree and what is below it. */
export interface TreeNode {
  value: { id: string; name: string; dir: string | null; filename: string; metadata: Record<string, unknown> }
  children: TreeNode[]
}
/** Schema of `TreeNode`. */
export const TreeNode: z.ZodType<TreeNode> = z.object({
  value: z.object({
    id: z.string(),
    name: z.string(),
    dir: z.string().nullable(),
    filename: z.string(),
    metadata: z.record(z.string(), z.unknown()),
  }),
  get children() {
    return z.array(TreeNode)
  },
})

const datasetParams = z.object({ datasetId: id('dataset') })
const itemParams = z.object({ itemId: id('item') })
const inDataset = {
  scope: 'dataset',
  role: 'annotator',
  of: (request: { params: { datasetId: string } }) => request.params.datasetId,
} as const
const ofItem = {
  scope: 'item',
  role: 'annotator',
  of: (request: { params: { itemId: string } }) => request.params.itemId,
} as const
const reason = z.enum(Object.keys(skipReasons) as [SkipReason, ...SkipReason[]]).describe('Why it cannot be an item.')
const limit = z.coerce.number().int().min(1).max(1000).default(100).describe('Most entries of the answer.')
/** Text that may be a path: PostgreSQL has no NUL. */
const path = z
  .string()
  .max(4200)
  .refine((text) => !text.includes('\0') && text.isWellFormed(), 'has characters that cannot be in a key')
const cursor = z.string().max(8400).describe('`next` of the page before.')

/** Reading what is in a dataset, and changing single items. */
export const itemRoutes = {
  listItems: route({
    method: 'GET',
    path: '/datasets/:datasetId/items',
    tag: 'Items',
    summary: 'Lists the files of one folder by name, with a cursor; milliseconds at any size.',
    access: inDataset,
    params: datasetParams,
    query: z.object({
      dir: path.default('/').describe('The folder.'),
      after: cursor.optional(),
      limit,
      hidden: z.enum(['true', 'false']).default('false').describe('Whether names that start with a dot are shown.'),
    }),
    response: z.object({ items: z.array(Item), next: z.string().nullable() }),
    errors: ['dataset.not_found', 'item.not_found'],
  }),
  listFolders: route({
    method: 'GET',
    path: '/datasets/:datasetId/folders',
    tag: 'Items',
    summary: 'Lists the folders directly in one folder by name, each with its counters.',
    access: inDataset,
    params: datasetParams,
    query: z.object({
      dir: path.default('/').describe('The folder.'),
      after: cursor.optional(),
      limit,
      hidden: z.enum(['true', 'false']).default('false').describe('Whether names that start with a dot are shown.'),
    }),
    response: z.object({ folder: Folder, folders: z.array(Folder), next: z.string().nullable() }),
    errors: ['dataset.not_found', 'item.not_found'],
  }),
  getItemByPath: route({
    method: 'GET',
    path: '/datasets/:datasetId/items/by-path',
    tag: 'Items',
    summary:
      'Gets the file with exactly this full path; nothing in it is a wildcard. A folder when there is no such file.',
    access: inDataset,
    params: datasetParams,
    query: z.object({ path }),
    response: Item,
    errors: ['dataset.not_found', 'item.not_found'],
  }),
  getDirectoryTree: route({
    method: 'GET',
    path: '/datasets/:datasetId/directoryTree',
    tag: 'Items',
    summary: 'Gets the tree of folders. Cut at a depth when there are more than 100,000, and then it says so.',
    access: inDataset,
    params: datasetParams,
    query: z.object({ depth: z.coerce.number().int().min(1).max(4096).optional().describe('Levels below the root.') }),
    response: z.object({
      value: z.unknown(),
      children: z.array(TreeNode),
      truncated: z.literal(true).optional().describe('Folders deeper than `depth` are left out.'),
      depth: z.number().optional(),
    }),
    errors: ['dataset.not_found'],
  }),
  countItems: route({
    method: 'GET',
    path: '/datasets/:datasetId/counts',
    tag: 'Items',
    summary:
      'Counts items, bytes, folders, and the keys that could not become items, by reason; of a folder with all below it.',
    access: inDataset,
    params: datasetParams,
    query: z.object({ dir: path.default('/').describe('The folder; the whole dataset without it.') }),
    response: z.object({
      items: z.number().describe('All items, whatever their state.'),
      bytes: z.number(),
      hidden: z.number(),
      missing: z.number().describe('Gone from the storage.'),
      changed: z.number().describe('Marked as changed in the storage.'),
      excluded: z.number().describe('Kept out by the dataset’s patterns.'),
      folders: z.number().describe('Folders below this one that hold something.'),
      skipped: z.array(z.object({ reason, message: z.string(), keys: z.number(), bytes: z.number() })),
    }),
    errors: ['dataset.not_found', 'item.not_found'],
  }),
  listSkipped: route({
    method: 'GET',
    path: '/datasets/:datasetId/skipped',
    tag: 'Items',
    summary: 'Lists keys of the bucket that could not become items, with the reason.',
    access: inDataset,
    params: datasetParams,
    query: z.object({ after: cursor.optional(), limit, reason: reason.optional() }),
    response: z.object({
      skipped: z.array(
        z.object({
          key: z.string().describe('For people: bytes that are no text are escaped.'),
          keyB64: z.string().describe('The key’s bytes in base64.'),
          reason,
          message: z.string().describe('The reason in a sentence.'),
          size: z.number(),
          foundAt: isoTime,
        }),
      ),
      next: z.string().nullable(),
    }),
    errors: ['dataset.not_found', 'request.invalid'],
  }),
  getItem: route({
    method: 'GET',
    path: '/items/:itemId',
    tag: 'Items',
    summary: 'Gets an item, or a folder by its id in the directory tree.',
    access: ofItem,
    params: itemParams,
    response: Item,
    errors: ['item.not_found'],
  }),
  updateItem: route({
    method: 'PATCH',
    path: '/items/:itemId',
    tag: 'Items',
    summary:
      'Changes an item: metadata is merged (null takes a name away), description, filename (renames or moves). Answers the whole item.',
    access: { ...ofItem, role: 'engineer' },
    params: itemParams,
    query: z.object({
      system: z.string().optional().describe('`true`: metadata.system may be changed as well.'),
    }),
    body: z.looseObject({
      metadata: z.record(z.string(), z.unknown()).nullish(),
      description: storableText.max(100_000).nullish().describe('Empty or null: none.'),
      filename: path.optional().describe('Full path.'),
    }),
    bodyBytesMax: 4 * 1024 * 1024,
    response: Item,
    errors: [
      'item.not_found',
      'item.exists',
      'item.bound_to_storage',
      'item.path_invalid',
      'item.root_stays',
      'dataset.readonly',
      'dataset.locked',
    ],
  }),
  deleteItem: route({
    method: 'DELETE',
    path: '/items/:itemId',
    tag: 'Items',
    summary:
      'Deletes an item, or a folder with all that is in it, from its dataset. No file in any bucket of yours is touched.',
    access: { ...ofItem, role: 'engineer' },
    // Malformed is 400 here, not 404: programs rely on it.
    params: z.object({ itemId: id('item').regex(/^[0-9a-f]{24}$/, 'is no id') }),
    response: z.object({
      id: z.string(),
      commandId: z
        .string()
        .optional()
        .describe('Of the command that goes on, for a folder with more in it than a request can delete.'),
    }),
    errors: ['item.not_found', 'item.root_stays', 'dataset.readonly', 'dataset.locked'],
  }),
  moveItems: route({
    method: 'PUT',
    path: '/datasets/:datasetId/items/:folderId',
    tag: 'Items',
    summary: 'Moves items into a folder of the same dataset; no file is touched.',
    access: { ...inDataset, role: 'engineer' },
    params: z.object({ datasetId: id('dataset'), folderId: id('folder') }),
    body: z.array(id('item')).max(100_000),
    bodyBytesMax: 4 * 1024 * 1024,
    response: z.object({ count: z.number() }),
    errors: [
      'dataset.not_found',
      'item.not_found',
      'item.exists',
      'item.bound_to_storage',
      'dataset.readonly',
      'dataset.locked',
    ],
  }),
  streamItem: route({
    method: 'GET',
    path: '/items/:itemId/stream',
    tag: 'Items',
    summary:
      'Gives the file’s bytes: 307 to a signed address of the storage, or through this server (with Range) where signing is impossible.',
    access: ofItem,
    byCookie: true,
    params: itemParams,
    query: z.object({
      download: z
        .enum(['true', 'false'])
        .default('false')
        .describe('“true” has a browser save the file under its name instead of showing it.'),
      through: z
        .enum(['server'])
        .optional()
        .describe(
          'Gives one part of the file, a MiB at most, through this server: for a page that the bucket does not let read it (CORS).',
        ),
    }),
    errors: [
      'item.not_found',
      'item.missing_in_storage',
      'item.unaddressable',
      'item.link_broken',
      'item.range_not_satisfiable',
      'dataset.disconnected',
      'storage.denied',
      'storage.unreachable',
      'storage.throttled',
    ],
  }),
}
