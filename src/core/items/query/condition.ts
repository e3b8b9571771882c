import { AppError } from '#lib/app-error.ts'

/** The operators of a test. `$match` on a text is a pattern; on an object it asks for one element that satisfies all of it. */
export const operators = ['$eq', '$ne', '$gt', '$gte', '$lt', '$lte', '$in', '$nin', '$exists', '$match'] as const
export type Operator = (typeof operators)[number]

/** A value of a test that is neither a list nor an object. */
export type Scalar = string | number | boolean | null
/** Any JSON value, checked for texts that PostgreSQL would refuse. */
export type Json = Scalar | readonly Json[] | { readonly [key: string]: Json }

/** One test of one field. `place` says where it stands in the request, for error messages. */
export interface Test {
  readonly kind: 'test'
  readonly field: string
  readonly op: Operator
  readonly value: Json
  readonly place: string
}

/** One element of the list at `field` satisfies all of `of`, whose fields are relative to it; an object that is no list is its own only element. */
export interface ElementCondition {
  readonly kind: 'element'
  readonly field: string
  readonly of: Condition
  readonly place: string
}

/** A row of the other resource that belongs to this one satisfies `of`: one annotation of an item, or the item of an annotation. */
export interface JoinedCondition {
  readonly kind: 'joined'
  readonly of: Condition
}

/** A filter as a tree. An empty `and` holds always. */
export type Condition =
  | { readonly kind: 'and' | 'or'; readonly of: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition }
  | Test
  | ElementCondition
  | JoinedCondition

/** Holds always. */
export const everything: Condition = { kind: 'and', of: [] }

/** Refuses a query, naming the place in it. */
export function refuse(place: string, message: string): never {
  throw new AppError('query.invalid', {
    message: `The query is malformed at ${place}: ${message}`,
    details: { place, message },
  })
}
