/** A failure as S3 tells it; the sample bucket throws it and renders it. */
export class S3Problem extends Error {
  readonly status: number
  readonly code: string
  readonly fields: Readonly<Record<string, string>>

  constructor(status: number, code: string, message: string, fields: Readonly<Record<string, string>> = {}) {
    super(message)
    this.status = status
    this.code = code
    this.fields = fields
  }

  /** The XML body. Source: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
  body(resource: string, requestId: string): Buffer {
    const extra = Object.entries(this.fields).map(([name, value]) => `<${name}>${xmlText(value)}</${name}>`)
    return Buffer.from(
      `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${this.code}</Code><Message>${xmlText(this.message)}</Message>${extra.join('')}` +
        `<Resource>${xmlText(resource.split('?')[0]!)}</Resource><RequestId>${requestId}</RequestId></Error>`,
    )
  }
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}

/** Text inside XML; control characters as numbers, as S3 writes them though XML 1.0 does not allow most. */
export function xmlText(text: string): string {
  return text.replace(/[&<>"'\u0000-\u001f\u007f]/g, (one) => entities[one] ?? `&#x${one.charCodeAt(0).toString(16)};`)
}
