/** How a picture lies in its stage: `scale` in stage pixels a pixel of the picture; `x`, `y` of its left upper corner in the stage. */
export interface View {
  readonly scale: number
  readonly x: number
  readonly y: number
}

/** Width and height in pixels. */
export interface Size {
  readonly width: number
  readonly height: number
}

/** Beyond it a pixel is as large as a thumb. */
export const SCALE_MAX = 64
/** Room around a picture that fits its stage, in pixels. */
const MARGIN = 12

/** The view that shows all of a picture, in the middle; small pictures are not made larger. */
export function fitted(picture: Size, stage: Size): View {
  const room = (length: number) => Math.max(1, length - 2 * MARGIN)
  const scale = Math.min(1, room(stage.width) / picture.width, room(stage.height) / picture.height)
  return centred(picture, stage, scale)
}

/** The view of this scale with the picture in the middle. */
export function centred(picture: Size, stage: Size, scale: number): View {
  return { scale, x: (stage.width - picture.width * scale) / 2, y: (stage.height - picture.height * scale) / 2 }
}

/** The view after a zoom by `factor`, with the picture's place under (`atX`, `atY`) of the stage where it was; never smaller than half of `least`. */
export function zoomed(view: View, factor: number, atX: number, atY: number, least: number): View {
  const scale = Math.min(SCALE_MAX, Math.max(Math.min(least, 1) / 2, view.scale * factor))
  const change = scale / view.scale
  return { scale, x: atX - (atX - view.x) * change, y: atY - (atY - view.y) * change }
}

/** The view with a part of the picture kept in the stage, so that nobody loses it. */
export function held(view: View, picture: Size, stage: Size): View {
  const hold = (start: number, length: number, room: number) => {
    const kept = Math.min(length, room, 48)
    return Math.min(room - kept, Math.max(kept - length, start))
  }
  return {
    scale: view.scale,
    x: hold(view.x, picture.width * view.scale, stage.width),
    y: hold(view.y, picture.height * view.scale, stage.height),
  }
}
