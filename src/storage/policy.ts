/** What the rights of a driver are written for; every provider's documents begin with it. */
export interface PolicyScope {
  /** The bucket's or container's name. */
  readonly bucket: string
  /** Empty, or with a slash at the end; any text a folder may be called. */
  readonly folder: string
  readonly mayWrite: boolean
  readonly mayDelete: boolean
  /** Where browsers load the console from, for the CORS rule. */
  readonly origin: string
}

/** One document of a provider, ready to be given to its console or command line. */
export interface PolicyDocument {
  /** What it is to the provider: `user-policy`, `trust-policy`, `cors`, … */
  readonly name: string
  /** What to do with it, in a sentence. */
  readonly use: string
  readonly document: unknown
}

/** Everything a provider has to be told for one driver: the least that lets it work. */
export interface PolicySet {
  readonly documents: readonly PolicyDocument[]
  /** The same as Terraform text; empty where there is nothing to be told by Terraform. */
  readonly terraform: string
  /** What the documents cannot say, or must not be misread to say. */
  readonly notes: readonly string[]
}

/** What a browser reads of an answer besides its bytes; without them players cannot seek. */
export const EXPOSED_HEADERS = ['ETag', 'Content-Length', 'Content-Range', 'Content-Type', 'Accept-Ranges'] as const
/** What a browser asks with. */
export const ASKED_HEADERS = ['Range', 'If-Match', 'If-None-Match'] as const
/** Seconds for which browsers remember a rule. */
export const CORS_MAX_AGE_SECONDS = 3600
