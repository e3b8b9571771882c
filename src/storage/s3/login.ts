import type { Clock } from '#lib/clock.ts'
import type { Secret } from '#lib/secret.ts'
import type { Egress } from '../egress.ts'
import { StorageError, type StorageErrorKind } from '../storage-error.ts'
import { type CredentialSource, type Keys, lastingKeys, restMs } from './credentials.ts'
import { type RoleLogin, roleKeys } from './role.ts'
import { Signer } from './sigv4.ts'

/** What a storage is logged in with: an access key, a role, or nothing (`isAnonymous`). */
export interface LoginOptions {
  readonly accessKeyId?: string | undefined
  readonly secretAccessKey?: Secret | undefined
  readonly sessionToken?: Secret | undefined
  readonly role?: RoleLogin | undefined
  readonly isAnonymous?: boolean | undefined
  readonly region: string
  readonly egress: Egress
  readonly clock: Clock
}

/** Somebody who can sign now, and for how many milliseconds more. */
export interface Signing {
  readonly signer: Signer
  readonly restMs: number
}

/** Who signs the requests of one storage, whatever keys they have at the moment. For `s3.ts`. */
export class Login {
  /** Null: nothing is signed. */
  readonly source: CredentialSource | null
  readonly #region: string
  readonly #clock: Clock
  readonly #close: () => void
  #keys: Keys | undefined
  #signer: Signer | undefined

  /** Throws `TypeError` where nothing is named: what is left out is never looked for in the environment. */
  constructor(options: LoginOptions) {
    const { accessKeyId, secretAccessKey, sessionToken, role, region } = options
    this.#region = region
    this.#clock = options.clock
    this.#close = () => {}
    if (role !== undefined) {
      const { source, close } = roleKeys(role, options)
      this.source = source
      this.#close = close
    } else if (accessKeyId !== undefined && secretAccessKey !== undefined) {
      this.source = lastingKeys({ accessKeyId, secretAccessKey, sessionToken })
    } else if (options.isAnonymous === true) {
      this.source = null
    } else {
      throw new TypeError('an S3 storage needs an access key, a role, or to be told that it is open to everybody')
    }
  }

  /** Null where nothing is signed; a promise only where keys have to be fetched first. */
  signing(): Signing | null | Promise<Signing> {
    if (this.source === null) return null
    const keys = this.source.current()
    return keys instanceof Promise ? keys.then((fetched) => this.#signing(fetched)) : this.#signing(keys)
  }

  /**
   * Does work that signs; once more where the storage does not take a session's keys any more, or denies something to old ones: only asking for the role
   * again tells whether it is the trust that is gone, or a right (PM-12). `canRepeat`: its body can be sent again.
   */
  async run<T>(work: () => Promise<T>, canRepeat = true): Promise<T> {
    const before = await this.source?.current()
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof StorageError) || before === undefined || !this.#givesUp(before, error.kind)) throw error
      if (!canRepeat) throw error
      return work()
    }
  }

  #givesUp(keys: Keys, kind: StorageErrorKind): boolean {
    if (kind === 'expired-credentials' || kind === 'bad-credentials') return this.source?.refuse(keys) === true
    return kind === 'forbidden' && this.source?.doubt(keys) === true
  }

  close(): void {
    this.#close()
  }

  #signing(keys: Keys): Signing {
    if (this.#signer === undefined || this.#keys !== keys) {
      this.#signer = new Signer({ ...keys, region: this.#region })
      this.#keys = keys
    }
    return { signer: this.#signer, restMs: restMs(keys, this.#clock.now()) }
  }
}
