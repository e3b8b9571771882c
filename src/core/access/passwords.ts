import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import { AppError } from '#lib/app-error.ts'

/** Cost of a hash: 32 MiB and some 60–100 ms. Source: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html */
const COST_LOG2 = 15
const BLOCK_SIZE = 8
const PARALLEL = 1
const HASH_BYTES = 32

/** Hashes at once: each takes a thread of Node's four and 32 MiB, and files and name look-ups want threads too. */
const HASHES_AT_ONCE_MAX = 2
/** Log-ins that may wait for their turn; more are told to come back, so that a flood cannot fill the memory. */
const WAITING_MAX = 100

let running = 0
const waiting: (() => void)[] = []

/** Hashes a password for keeping, as `scrypt$15$8$1$salt$hash` (cost as a power of two, block size, parallelism; base64url). */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  const hash = await derive(password, salt, COST_LOG2, BLOCK_SIZE, PARALLEL, HASH_BYTES)
  return ['scrypt', COST_LOG2, BLOCK_SIZE, PARALLEL, salt.toString('base64url'), hash.toString('base64url')].join('$')
}

/**
 * Whether a password is the kept one. `kept` may be null (nobody of that name, or somebody who has no password yet): the answer is no and takes just
 * as long, so that time does not tell who exists.
 */
export async function verifyPassword(password: string, kept: string | null): Promise<boolean> {
  const [scheme, costLog2, blockSize, parallel, salt, hash] = (kept ?? nobody).split('$')
  if (scheme !== 'scrypt' || salt === undefined || hash === undefined)
    throw new Error('a kept password has an unknown form')
  const expected = Buffer.from(hash, 'base64url')
  const actual = await derive(
    password,
    Buffer.from(salt, 'base64url'),
    Number(costLog2),
    Number(blockSize),
    Number(parallel),
    expected.length,
  )
  return timingSafeEqual(actual, expected) && kept !== null
}

const nobody = [
  'scrypt',
  COST_LOG2,
  BLOCK_SIZE,
  PARALLEL,
  randomBytes(16).toString('base64url'),
  randomBytes(HASH_BYTES).toString('base64url'),
].join('$')

async function derive(
  password: string,
  salt: Buffer,
  costLog2: number,
  r: number,
  p: number,
  bytes: number,
): Promise<Buffer> {
  await takeTurn()
  try {
    const options: ScryptOptions = { N: 2 ** costLog2, r, p, maxmem: 256 * r * (2 ** costLog2 + p + 2) }
    return await new Promise((resolve, reject) => {
      // Two ways to type the same letter must give the same hash; a password is no key of storage.
      scrypt(password.normalize('NFKC'), salt, bytes, options, (error, hash) => (error ? reject(error) : resolve(hash)))
    })
  } finally {
    endTurn()
  }
}

async function takeTurn(): Promise<void> {
  if (running < HASHES_AT_ONCE_MAX) {
    running++
    return
  }
  if (waiting.length >= WAITING_MAX) throw new AppError('rate.limited')
  await new Promise<void>((resolve) => waiting.push(resolve))
}

/** Hands the turn on without lowering the count, so that nobody slips in between. */
function endTurn(): void {
  const next = waiting.shift()
  if (next === undefined) running--
  else next()
}
