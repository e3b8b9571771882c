/** Credentials of every contender; the pair AWS prints in its documentation, which opens nothing. The replay server checks no signature. */
export const credentials = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
} as const

/** Region of every contender. */
export const region = 'us-east-1'

/** The AWS SDK without the checksums it adds to addresses of its own accord, so that both sign the same thing. */
export const plainSigning = {
  requestChecksumCalculation: 'WHEN_REQUIRED',
  responseChecksumValidation: 'WHEN_REQUIRED',
} as const
