import { useEffect, useRef } from 'react'

/** For the field that a person begins with: it has the focus as soon as it is there, also when it had to be waited for. */
export function useFirstField() {
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => field.current?.focus(), [])
  return field
}
