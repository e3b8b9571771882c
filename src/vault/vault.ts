/** Where a secret belongs; sealed into the ciphertext, so that a row copied elsewhere does not open. */
export interface SecretPlace {
  readonly orgId: string
  readonly integrationId: string
  readonly version: number
}

/** A sealed secret as the database keeps it. */
export interface SealedSecret {
  readonly kekId: string
  readonly wrappedKey: Buffer
  readonly sealed: Buffer
}

/** Seals and opens credential documents (D15); a port, so that cloud key services can stand behind it. */
export interface Vault {
  seal(place: SecretPlace, plaintext: Buffer): Promise<SealedSecret>
  /** Fails with an error that names the place but nothing of the content when the secret was moved or tampered with. */
  open(place: SecretPlace, secret: SealedSecret): Promise<Buffer>
}
