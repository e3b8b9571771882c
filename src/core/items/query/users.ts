import type { Test } from './condition.ts'
import { constantTest } from './constant.ts'
import { allOf, anyOf, type Fragment, type Predicate, raw, sql } from './fragment.ts'
import { textTest } from './text.ts'

/**
 * A test of a person, who stands in the row by their id and in queries by their e-mail address. `whenNull` is the address that stands for nobody: what a
 * sync found counts as its dataset's maker's; null where the column is never null.
 */
export function userTest(column: Fragment, whenNull: string | null, test: Test): Predicate {
  const email = textTest(raw('u.email'), test)
  const isSomebodys = email === true ? sql`${column} is not null` : email
  const named =
    typeof email === 'boolean' ? isSomebodys : sql`${column} in (select u.id from user_account u where ${email})`
  if (whenNull === null) return email === true ? true : named
  return anyOf([named, allOf([sql`${column} is null`, constantTest(whenNull, test)])])
}
