import { errors } from '#contract/errors.ts'
import { accessText, errorCodes, fullPath, type Json, jsonSchema } from '#contract/openapi.ts'
import type { Route } from '#contract/route.ts'
import { escapeHtml, pageStyle } from './pages.ts'

const style = `${pageStyle}
h2 { margin-top: 3rem; border-bottom: 1px solid var(--line); }
section { margin: 1.5rem 0; padding: 0.25rem 1rem 0.75rem; border: 1px solid var(--line); border-radius: 6px; }
h3 { font-size: 1rem; margin: 0.75rem 0 0.25rem; overflow-wrap: anywhere; }
h4 { font-size: 0.85rem; margin: 0.9rem 0 0.2rem; }
.method { display: inline-block; min-width: 4.5rem; color: var(--accent); }
pre { background: var(--soft); padding: 0.6rem 0.8rem; margin: 0.2rem 0; border-radius: 4px; overflow-x: auto; }
p, ul { margin: 0.3rem 0; } ul { padding-left: 1.2rem; } nav ul { columns: 2 20rem; } nav li { overflow-wrap: anywhere; break-inside: avoid; } dd { margin: 0 0 0.3rem 1.5rem; }
`

/** The reference of the API as one page without scripts, made from the contract's table: what to send, who may, what comes back, what can fail. */
export function referencePage(routes: Readonly<Record<string, Route>>): string {
  const groups = [...Map.groupBy(Object.entries(routes), ([, route]) => route.tag)]
  const contents = groups
    .map(([tag, list]) => `<h3>${escapeHtml(tag)}</h3><ul>${list.map(contentsLine).join('')}</ul>`)
    .join('\n')
  const sections = groups
    .map(([tag, list]) => `<h2>${escapeHtml(tag)}</h2>\n${list.map(section).join('\n')}`)
    .join('\n')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sluice API reference</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>Sluice API reference</h1>
<p>The same as a document for programs: <a href="/api/v1/openapi.json">OpenAPI 3.1</a>. Log in with <code>POST /token</code> and send the
token as <code>Authorization: Bearer …</code>. Every failure is JSON, <code>{ message, code, status, requestId, details? }</code>.</p>
</header>
<nav aria-label="Contents">${contents}</nav>
<main>
${sections}
<h2 id="errors">Errors</h2>
<dl>${Object.entries(errors).map(errorLine).join('\n')}</dl>
</main>
</body>
</html>
`
}

function contentsLine([name, route]: [string, Route]): string {
  return `<li><a href="#${name}">${route.method} ${escapeHtml(fullPath(route))}</a></li>`
}

function section([name, route]: [string, Route]): string {
  const parts = [
    `<h3><code><span class="method">${route.method}</span> ${escapeHtml(fullPath(route))}</code></h3>`,
    `<p>${escapeHtml(route.summary)}</p>`,
    `<p>${escapeHtml(accessText(route.access))}</p>`,
  ]
  if (route.params !== undefined) parts.push(block('In the path', fieldList(jsonSchema(route.params, 'input'))))
  if (route.query !== undefined) parts.push(block('In the query', fieldList(jsonSchema(route.query, 'input'))))
  if (route.body !== undefined) {
    const forms = ['JSON', ...(route.bodyForms ?? []).map((form) => (form === 'form' ? 'a form' : 'nothing'))]
    parts.push(block(`Body: ${forms.join(' or ')}`, pre(typeText(jsonSchema(route.body, 'input')))))
  }
  if (route.response !== undefined)
    parts.push(block(`Answer ${route.status ?? 200}`, pre(typeText(jsonSchema(route.response, 'output')))))
  const codes = errorCodes(route).map(
    (code) => `<a href="#error-${code}"><code>${code}</code></a> ${errors[code].status}`,
  )
  parts.push(block('Errors', `<p>${codes.join(' · ')}</p>`))
  return `<section id="${name}">\n${parts.join('\n')}\n</section>`
}

function errorLine([code, { status, message }]: [string, { status: number; message: string }]): string {
  return `<dt id="error-${code}"><code>${code}</code> (${status})</dt><dd>${escapeHtml(message)}</dd>`
}

function block(title: string, content: string): string {
  return `<h4>${escapeHtml(title)}</h4>\n${content}`
}

function pre(text: string): string {
  return `<pre>${escapeHtml(text)}</pre>`
}

function fieldList(schema: Json): string {
  const { properties = {}, required = [] } = schema as { properties?: Record<string, Json>; required?: string[] }
  const lines = Object.entries(properties).map(([name, field]) => {
    const mark = required.includes(name) ? '' : ', optional'
    const said = typeof field.description === 'string' ? ` — ${escapeHtml(field.description)}` : ''
    return `<li><code>${escapeHtml(name)}</code>: <code>${escapeHtml(typeText(field))}</code>${mark}${said}</li>`
  })
  return `<ul>${lines.join('')}</ul>`
}

/** A JSON Schema in the notation of TypeScript, which is shorter to read. References (recursive shapes) show as `…`. */
export function typeText(schema: Json, indent = ''): string {
  const { type, properties, items, anyOf, oneOf, allOf, additionalProperties } = schema as {
    type?: string | string[]
    properties?: Record<string, Json>
    items?: Json
    anyOf?: Json[]
    oneOf?: Json[]
    allOf?: Json[]
    additionalProperties?: Json | boolean
  }
  if (schema.$ref !== undefined) return '…'
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
  const choices = anyOf ?? oneOf
  if (choices !== undefined) return choices.map((each) => typeText(each, indent)).join(' | ')
  if (allOf !== undefined) return allOf.map((each) => typeText(each, indent)).join(' & ')
  if (type === 'array') {
    const inner = typeText(items ?? {}, indent)
    return /[|&]/.test(inner) && !inner.startsWith('{') ? `(${inner})[]` : `${inner}[]`
  }
  if (type === 'object' || properties !== undefined)
    return objectText(properties ?? {}, schema, additionalProperties, indent)
  return Array.isArray(type) ? type.join(' | ') : (type ?? 'any')
}

function objectText(
  properties: Record<string, Json>,
  schema: Json,
  rest: Json | boolean | undefined,
  indent: string,
): string {
  const required = Array.isArray(schema.required) ? schema.required : []
  const deeper = `${indent}  `
  const lines = Object.entries(properties).map(([name, field]) => {
    const said = typeof field.description === 'string' ? `  // ${field.description}` : ''
    return `${deeper}${name}${required.includes(name) ? '' : '?'}: ${typeText(field, deeper)}${said}`
  })
  if (typeof rest === 'object' && Object.keys(rest).length > 0) lines.push(`${deeper}[name]: ${typeText(rest, deeper)}`)
  else if (rest !== undefined && rest !== false) lines.push(`${deeper}…`)
  return lines.length === 0 ? '{}' : `{\n${lines.join('\n')}\n${indent}}`
}
