// What a hand mutant is: the real code with one rule broken, and the test that notices.

/** A rule that is broken in one place of the real code, and the test that must fail then. */
export interface Mutant {
  /** What the code does then; unique. */
  readonly name: string
  /** The rule that it breaks, as the documents say it. */
  readonly rule: string
  /** From the repository's root. */
  readonly file: string
  /** Occurs exactly once in the file. */
  readonly text: string
  readonly becomes: string
  readonly killedBy: Killer
}

/** The fastest test that notices a mutant. */
export interface Killer {
  /** From the repository's root. */
  readonly file: string
  /** Part of the test's full name, as it is written; without it every test of the file may notice. */
  readonly test?: string
  /** Parts of what a failure may say besides that an expectation was not met: the product itself refuses to go on with the mutant. */
  readonly saying?: readonly string[]
}

/** The file's text with the mutant in it. Throws when the place to change is not there exactly once. */
export function mutate(code: string, { name, file, text, becomes }: Mutant): string {
  const places = code.split(text).length - 1
  if (places !== 1)
    throw new Error(`${file} has the text of the mutant “${name}” ${places} times; teach test/mutants where it is now.`)
  return code.replace(text, () => becomes)
}
