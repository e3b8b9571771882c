import { type PointerEvent, type RefObject, useEffect, useRef } from 'react'

interface Deeds {
  stage: RefObject<HTMLElement | null>
  /** Zooms by a factor, with the place (x, y) of the stage staying where it is. */
  zoomAt: (factor: number, x: number, y: number) => void
  move: (dx: number, dy: number) => void
}

interface Finger {
  readonly x: number
  readonly y: number
}

/** Wheel, drag and two fingers over a stage; gives the listeners for its element. The wheel's is set apart, because React's may not stop the page's scroll. */
export function useGestures({ stage, zoomAt, move }: Deeds) {
  const fingers = useRef(new Map<number, Finger>())
  const deeds = useRef({ zoomAt, move })
  deeds.current = { zoomAt, move }
  useEffect(() => {
    const element = stage.current
    if (element === null) return
    const onWheel = (event: WheelEvent) => {
      event.preventDefault()
      const { left, top } = element.getBoundingClientRect()
      // Lines and pages of some mice are about 16 and 400 pixels; a pinch on a touchpad comes with ctrl and in small steps.
      const pixels = event.deltaY * [1, 16, 400][event.deltaMode]!
      const factor = Math.exp(-Math.max(-300, Math.min(300, pixels)) * (event.ctrlKey ? 0.01 : 0.002))
      deeds.current.zoomAt(factor, event.clientX - left, event.clientY - top)
    }
    element.addEventListener('wheel', onWheel, { passive: false })
    return () => element.removeEventListener('wheel', onWheel)
  }, [stage])
  const lift = (event: PointerEvent) => void fingers.current.delete(event.pointerId)
  return {
    onPointerDown: (event: PointerEvent) => {
      if (event.pointerType === 'mouse' && event.button !== 0) return
      event.currentTarget.setPointerCapture(event.pointerId)
      fingers.current.set(event.pointerId, { x: event.clientX, y: event.clientY })
    },
    onPointerMove: (event: PointerEvent) => {
      const before = fingers.current.get(event.pointerId)
      if (before === undefined) return
      const now = { x: event.clientX, y: event.clientY }
      fingers.current.set(event.pointerId, now)
      const other = [...fingers.current].find(([id]) => id !== event.pointerId)?.[1]
      if (other === undefined) return deeds.current.move(now.x - before.x, now.y - before.y)
      const { left, top } = event.currentTarget.getBoundingClientRect()
      const apart = (finger: Finger) => Math.max(1, Math.hypot(finger.x - other.x, finger.y - other.y))
      deeds.current.zoomAt(apart(now) / apart(before), (now.x + other.x) / 2 - left, (now.y + other.y) / 2 - top)
    },
    onPointerUp: lift,
    onPointerCancel: lift,
  }
}
