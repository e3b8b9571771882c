import { lazyRouteComponent } from '@tanstack/react-router'
import i18next from 'i18next'

/**
 * A page whose code is fetched when it is first wanted. Where that fails, because the server is away or was renewed meanwhile, the error says so in words. The router
 * knows the browser's own errors and would load the whole window anew at once, which is no console any more while the server is away.
 */
export const lazyPage: typeof lazyRouteComponent = (fetchCode, name) =>
  lazyRouteComponent(
    () =>
      fetchCode().catch((cause: unknown) => {
        throw new Error(i18next.t('states.noCode'), { cause })
      }),
    name,
  )
