/** The token of the one-time link that was opened; empty without one. It stands in the address's fragment, which browsers send to nobody. */
export const linkToken = (): string => new URLSearchParams(location.hash.slice(1)).get('token') ?? ''
