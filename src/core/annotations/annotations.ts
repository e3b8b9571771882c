/** Annotations: what people and programs say about items. */
export { takeAnnotationNumbers } from './numbers.ts'
export { getAnnotation, listItemAnnotations, readAnnotations } from './read.ts'
export { type AnnotationRow, annotationColumns, renderAnnotation } from './render.ts'
export { createAnnotations, deleteAnnotations, updateAnnotation } from './write.ts'
