import type { FastifyReply } from 'fastify'

/** Nothing but what this server itself serves, no inline script, no frame around it, forms only to itself. */
const POLICY =
  "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

/** Answers a page of our own that a person reads. */
export function sendPage(reply: FastifyReply, html: string): FastifyReply {
  return reply
    .code(200)
    .header('content-security-policy', POLICY)
    .header('content-type', 'text/html; charset=utf-8')
    .send(html)
}

/** Answers a script of our own. */
export function sendScript(reply: FastifyReply, script: string): FastifyReply {
  return reply.code(200).header('content-type', 'text/javascript; charset=utf-8').send(script)
}

/** Text made safe to stand in HTML, in content and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** The looks of our pages: system fonts, light and dark as the reader's system has it. */
export const pageStyle = `
:root { color-scheme: light dark; --line: light-dark(#d5d9de, #3a4048); --soft: light-dark(#f4f6f8, #1d2126); --accent: light-dark(#1559b7, #7db3ff); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; background: light-dark(#fff, #14171a); color: light-dark(#1b1f24, #e4e7ea); }
a { color: var(--accent); } code, pre { font: 0.9em/1.5 ui-monospace, monospace; }
`

/** The looks of a page that is one form. */
export const formStyle = `${pageStyle}body { max-width: 26rem; }
label { display: block; margin: 1rem 0; }
input { display: block; box-sizing: border-box; width: 100%; font: inherit; padding: 0.5rem; border: 1px solid var(--line); border-radius: 4px; }
button { font: inherit; padding: 0.5rem 1.25rem; }
output { display: block; margin-top: 1rem; padding: 0.75rem; background: var(--soft); border-radius: 4px; }
output:empty { display: none; }
`
