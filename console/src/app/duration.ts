import type { TFunction } from 'i18next'

/** A time span for people, as exact as it is of use: 45 s, 3 min, 2 h 5 min, 1 d 3 h. */
export function formatDuration(t: TFunction, seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 90) return t('duration.seconds', { count: whole })
  const minutes = Math.round(whole / 60)
  if (minutes < 90) return t('duration.minutes', { count: minutes })
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return t('duration.hours', { hours, minutes: minutes % 60 })
  return t('duration.days', { days: Math.floor(hours / 24), hours: hours % 24 })
}
