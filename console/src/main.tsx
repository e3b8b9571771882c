import '@mantine/core/styles.css'
import './app/app.css'
import { createRoot } from 'react-dom/client'
import { App } from './app/app.tsx'
import './i18n/i18n.ts'
import { keepFocus } from './ui/focus-keeper.ts'

keepFocus()
createRoot(document.getElementById('root')!).render(<App />)
