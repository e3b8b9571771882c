import { escapeHtml, formStyle } from './pages.ts'

/** The page on which a person logs in for the SDK. `callback` was checked: it leads to the person's own machine and nowhere else. */
export function loginPage(callback: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Log in to Sluice</title>
<style>${formStyle}</style>
</head>
<body>
<main>
<h1>Log in to Sluice</h1>
<p>A program on this computer, listening at <code>${escapeHtml(callback)}</code>, asks to work in your name.</p>
<form id="login" data-callback="${escapeHtml(callback)}">
<label>E-mail address <input name="username" autocomplete="username" required></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button>Log in</button>
</form>
<output id="outcome" role="status"></output>
<noscript><p>This page needs JavaScript. Without it, use <code>dl.login_m2m(email, password)</code>.</p></noscript>
</main>
<script src="/login.js"></script>
</body>
</html>
`
}

/** The script of the log-in page: trades e-mail address and password for tokens, and hands them to the program that asked. */
export const loginScript = `'use strict'
const form = document.getElementById('login')
const outcome = document.getElementById('outcome')
form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const button = form.querySelector('button')
  button.disabled = true
  outcome.textContent = ''
  try {
    const response = await fetch('/token?default', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...Object.fromEntries(new FormData(form)), type: 'user_credentials' }),
    })
    const answer = await response.json()
    if (response.ok) {
      const { id_token, access_token, refresh_token } = answer
      // Replaced, so that the tokens do not stay in the history of this window.
      location.replace(form.dataset.callback + '?' + new URLSearchParams({ id_token, access_token, refresh_token }))
      return
    }
    outcome.textContent = answer.message
  } catch {
    outcome.textContent = 'The server did not answer. Try again.'
  }
  button.disabled = false
})
`
