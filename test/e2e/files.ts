// Files that a browser can really show: pictures drawn by sharp, a video recorded by the browser itself.
import type { Page } from 'playwright-core'
import sharp from 'sharp'

/** A picture of one colour, different for each number; JPEG. */
export function picture(number: number): Promise<Buffer> {
  const background = { r: (number * 67) % 256, g: (number * 29 + 90) % 256, b: (number * 113 + 40) % 256 }
  return sharp({ create: { width: 320, height: 240, channels: 3, background } })
    .jpeg()
    .toBuffer()
}

/** A second of moving colour as WebM, recorded by the page's own browser, so that it can certainly play it. */
export async function recordVideo(page: Page): Promise<Buffer> {
  const text = (await page.evaluate(`new Promise((done, failed) => {
    const canvas = document.createElement('canvas')
    canvas.width = 160
    canvas.height = 120
    const context = canvas.getContext('2d')
    const recorder = new MediaRecorder(canvas.captureStream(25), { mimeType: 'video/webm;codecs=vp8' })
    const parts = []
    let frame = 0
    const draw = setInterval(() => {
      context.fillStyle = 'hsl(' + frame * 12 + ' 70% 50%)'
      context.fillRect(0, 0, 160, 120)
      if (++frame === 25) recorder.stop()
    }, 40)
    recorder.ondataavailable = (event) => parts.push(event.data)
    recorder.onerror = () => failed(new Error('the recorder failed'))
    recorder.onstop = () => {
      clearInterval(draw)
      const reader = new FileReader()
      reader.onload = () => done(reader.result)
      reader.readAsDataURL(new Blob(parts))
    }
    recorder.start()
  })`)) as string
  return Buffer.from(text.slice(text.indexOf(',') + 1), 'base64')
}

/** A second of sound at 440 Hz as WAV: 8 bits, 8,000 samples a second. */
export function tone(): Buffer {
  const rate = 8_000
  const header = Buffer.alloc(44)
  header.write('RIFF', 0)
  header.writeUInt32LE(36 + rate, 4)
  header.write('WAVEfmt ', 8)
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(1, 20)
  header.writeUInt16LE(1, 22)
  header.writeUInt32LE(rate, 24)
  header.writeUInt32LE(rate, 28)
  header.writeUInt16LE(1, 32)
  header.writeUInt16LE(8, 34)
  header.write('data', 36)
  header.writeUInt32LE(rate, 40)
  const samples = Array.from(
    { length: rate },
    (_, at) => 128 + Math.round(100 * Math.sin((at * 2 * Math.PI * 440) / rate)),
  )
  return Buffer.concat([header, Buffer.from(samples)])
}

/** A PDF of one page with one line of plain letters. */
export function pdf(line: string): Buffer {
  const drawing = `BT /F1 24 Tf 72 720 Td (${line}) Tj ET`
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    `<< /Length ${drawing.length} >>\nstream\n${drawing}\nendstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ]
  let text = '%PDF-1.4\n'
  const places = objects.map((object, index) => {
    const place = text.length
    text += `${index + 1} 0 obj\n${object}\nendobj\n`
    return place
  })
  const rows = places.map((place) => `${String(place).padStart(10, '0')} 00000 n \n`).join('')
  const trailer = `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${text.length}\n%%EOF\n`
  return Buffer.from(`${text}xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${rows}${trailer}`, 'latin1')
}
