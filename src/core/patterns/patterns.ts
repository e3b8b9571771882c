/** Which files of a folder become items of a dataset, and when its storage is looked at again. The public file of this folder. */
export {
  type CompiledPatterns,
  compilePatterns,
  type PatternRule,
  type PatternSettings,
} from './compile.ts'
