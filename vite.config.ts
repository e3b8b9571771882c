import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'
import type { Route } from '#contract/route.ts'
import { routes } from '#contract/routes.ts'

/** The console: files that the server sends, made before it starts when they are older than their sources. */
export default defineConfig({
  root: 'console',
  plugins: [react(), bareRoutes()],
  build: {
    outDir: '../dist/console',
    emptyOutDir: true,
    // Browsers of the last two years; older ones lack what the components need.
    target: 'es2023',
    // They know `light-dark()`; written otherwise it would follow the system instead of the switch.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
  },
  server: { proxy: { '/api': 'http://127.0.0.1:7070', '/session': 'http://127.0.0.1:7070' } },
})

/**
 * Gives the browser the table of routes without its schemas: the client needs only where each route is, and the schemas with their library
 * would be 104 kB of the first view (gzip).
 */
function bareRoutes(): Plugin {
  const bare = Object.fromEntries(
    Object.entries(routes as Readonly<Record<string, Route>>).map(([name, { method, path, root, response }]) => [
      name,
      { method, path, ...(root && { root }), ...(response && { response: {} }) },
    ]),
  )
  return {
    name: 'bare-routes',
    enforce: 'pre',
    load: (id) =>
      id.endsWith('/src/contract/routes.ts') ? `export const routes = ${JSON.stringify(bare)}` : undefined,
  }
}
