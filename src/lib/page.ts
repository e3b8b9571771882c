/** Where a numbered page stands among all of its kind, in the words the SDK reads: pages count from 0; a size of 0 asks for the total alone. */
export function placeOfPage(total: number, { page, pageSize }: { readonly page: number; readonly pageSize: number }) {
  return {
    totalItemsCount: total,
    totalPagesCount: pageSize === 0 ? 0 : Math.ceil(total / pageSize),
    hasNextPage: pageSize > 0 && (page + 1) * pageSize < total,
  }
}

/** A numbered page of a list that is whole in memory. */
export function pageOf<T>(all: readonly T[], asked: { readonly page: number; readonly pageSize: number }) {
  const { page, pageSize } = asked
  return { ...placeOfPage(all.length, asked), items: all.slice(page * pageSize, (page + 1) * pageSize) }
}
