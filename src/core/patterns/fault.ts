/** What is wrong with one pattern, as a sentence for whoever wrote it. `compilePatterns` adds the place and makes an `AppError` of it. */
export class PatternFault extends Error {}
