/** Keys a listing page has in workers of these tests; 1,000 in the product. */
export const PAGE_KEYS = 100
