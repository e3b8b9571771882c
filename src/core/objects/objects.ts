/** Where items' bytes are: the platform's own store, and the rule that leads from an item to its object. The public file of this folder. */
export { locateObject, type ObjectPlace } from './locate.ts'
export {
  type Arrived,
  closePlatformStore,
  keepArrived,
  newObjectKey,
  OBJECT_BYTES_MAX,
  type OpenStore,
  platformStore,
  receive,
} from './platform-store.ts'
export { sightObject } from './sight.ts'
export { noteUnused, sweepObjects } from './unused.ts'
export { sweepStartedUploads, type WritePlace, writeObject } from './write-object.ts'
