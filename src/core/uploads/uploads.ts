/** Files that become items: sent by people and programs, or in the dataset's bucket already. The public file of this folder. */
export { type Import, type Imported, importObjects } from './imports.ts'
export { type ItemOp, PINNED_TICKET } from './place-item.ts'
export { replaceFile } from './revisions.ts'
export { type Upload, type Uploaded, uploadFile } from './upload.ts'
