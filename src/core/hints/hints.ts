export { markDirty } from './mark.ts'
