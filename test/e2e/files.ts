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
