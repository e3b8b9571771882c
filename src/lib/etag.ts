/**
 * Packs an etag for its column: 32 lower-case hex digits (an MD5, nearly every object) become 16 bytes, which makes the row and the
 * COPY stream a sixth smaller; any other etag is a zero byte followed by its ASCII text, with a second zero at the end where that would
 * be 16 bytes long, so that 16 bytes always mean hex.
 */
export function packEtag(etag: string): Buffer {
  if (/^[0-9a-f]{32}$/.test(etag)) return Buffer.from(etag, 'hex')
  return Buffer.from(etag.length === 15 ? `\0${etag}\0` : `\0${etag}`, 'latin1')
}

/** Gives back the text that `packEtag` or the sync's encoder packed. */
export function unpackEtag(packed: Buffer): string {
  if (packed.length === 16) return packed.toString('hex')
  const end = packed.length === 17 && packed[16] === 0 ? 16 : packed.length
  return packed.toString('latin1', 1, end)
}
