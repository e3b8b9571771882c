import { formStyle } from './pages.ts'

/** The page behind the one-time set-up link; the token stands in the address's fragment, which browsers send to nobody. */
export const setupPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Set up Sluice</title>
<style>${formStyle}</style>
</head>
<body>
<main>
<h1>Set up Sluice</h1>
<p>This makes the first owner of this server and the first organization. The link works once.</p>
<form id="setup">
<label>E-mail address <input name="email" type="email" autocomplete="username" required></label>
<label>Password, 8 characters or more <input name="password" type="password" autocomplete="new-password" minlength="8" required></label>
<label>Name of the organization <input name="orgName" maxlength="255" required></label>
<button>Make the owner</button>
</form>
<output id="outcome" role="status"></output>
<noscript><p>This page needs JavaScript. Without it, send the same fields to <code>POST /api/v1/setup</code>.</p></noscript>
</main>
<script src="/setup.js"></script>
</body>
</html>
`

/** The script of the set-up page: sends the form, shows the answer. */
export const setupScript = `'use strict'
const form = document.getElementById('setup')
const outcome = document.getElementById('outcome')
form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const button = form.querySelector('button')
  const token = new URLSearchParams(location.hash.slice(1)).get('token') ?? new URLSearchParams(location.search).get('token') ?? ''
  button.disabled = true
  outcome.textContent = ''
  try {
    const response = await fetch('/api/v1/setup', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...Object.fromEntries(new FormData(form)), token }),
    })
    const answer = await response.json()
    if (response.ok) {
      form.hidden = true
      outcome.textContent = 'Done. ' + answer.email + ' is the owner. '
      const link = document.createElement('a')
      link.href = '/'
      link.textContent = 'Log in'
      outcome.append(link)
    } else {
      const places = Array.isArray(answer.details) ? answer.details.map((place) => ' ' + place.path + ': ' + place.message + '.').join('') : ''
      outcome.textContent = answer.message + places
    }
  } catch {
    outcome.textContent = 'The server did not answer. Try again.'
  } finally {
    button.disabled = false
  }
})
`
